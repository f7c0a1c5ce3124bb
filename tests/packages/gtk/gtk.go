// Package gtk pins the module whose own tests are run.
package gtk

import (
	_ "github.com/gotk3/gotk3/gtk"
)
