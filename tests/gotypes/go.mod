module crosscall.test/gotypes

go 1.25
