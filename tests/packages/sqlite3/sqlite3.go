// Package sqlite3 pins the module whose own tests are run.
package sqlite3

import (
	_ "github.com/mattn/go-sqlite3"
)
