// Package gpgme pins the module whose own tests are run.
package gpgme

import (
	_ "github.com/proglottis/gpgme"
)
