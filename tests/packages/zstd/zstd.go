// Package zstd pins the module whose own tests are run.
package zstd

import (
	_ "github.com/DataDog/zstd"
)
