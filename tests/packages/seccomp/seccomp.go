// Package seccomp pins the module whose own tests are run.
package seccomp

import (
	_ "github.com/seccomp/libseccomp-golang"
)
