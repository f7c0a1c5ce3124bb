module uses-c

go 1.26
