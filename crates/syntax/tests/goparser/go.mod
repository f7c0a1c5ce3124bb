module goparser

go 1.27
