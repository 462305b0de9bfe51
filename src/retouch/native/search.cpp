#include "common.h"
// The interface's version; the Python side refuses another one.
EXPORT int retouch_interface(void) { return 1; }
