module crosscall.test/gtk

go 1.25

require github.com/gotk3/gotk3 v0.6.2
