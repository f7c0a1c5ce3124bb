// names: nothing; declared; prinft; struct pair; pair; strlen; __builtin_va_list; sizeof(struct unknown); sizeof(unknown); if; a b; 12x
struct pair { int a; };
int declared;
