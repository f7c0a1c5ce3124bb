// Package pkcs11 pins the module whose own tests are run.
package pkcs11

import (
	_ "github.com/miekg/pkcs11"
	_ "github.com/miekg/pkcs11/p11"
)
