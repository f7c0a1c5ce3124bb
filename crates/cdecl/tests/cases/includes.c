// names: LOCAL; from_local; NESTED; LETTER_IN_HEADER
// flags: -I include
#include "local.h"
#include <nested.h>
