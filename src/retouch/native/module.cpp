// What Python needs to see of the compiled part: a module without content. Its functions have a plain C
// interface and are called through ctypes, which lets go of Python's lock meanwhile.
#include <Python.h>

static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_native", nullptr, -1, nullptr,
                                 nullptr, nullptr, nullptr, nullptr};

PyMODINIT_FUNC PyInit__native(void) { return PyModule_Create(&definition); }
