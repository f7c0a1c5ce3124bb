// Package pcap pins the module whose own tests are run.
package pcap

import (
	_ "github.com/google/gopacket/pcap"
)
