#include "csystemcall.h"
