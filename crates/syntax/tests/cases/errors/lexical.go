package p

var (
	_ = 089 /* ERROR +1 "invalid digit '8' in octal literal" */
	_ = 0b12 /* ERROR +3 "invalid digit '2' in binary literal" */
	_ = 1__0 /* ERROR +2 "'_' must separate successive digits" */
	_ = 0x /* ERROR END "hexadecimal literal has no digits" */
	_ = 1e /* ERROR END "exponent has no digits" */
	_ = 0x1.8 /* ERROR END "hexadecimal mantissa requires a 'p' exponent" */
	_ = 1p3 /* ERROR +1 "'p' exponent requires hexadecimal mantissa" */
	_ = 'ab' /* ERROR "illegal rune literal" */
	_ = "\q" /* ERROR +2 "unknown escape sequence" */
	_ = "\xg0" /* ERROR +3 "illegal character U\+0067 'g' in escape sequence" */
	_ = "\ud800" /* ERROR +2 "escape sequence is invalid Unicode code point" */
	_ = x @ /* ERROR "illegal character U\+0040 '@'" */ y
	_ = “ /* ERROR "curly quotation mark '“' \(use neutral '\"'\)" */ x
)
