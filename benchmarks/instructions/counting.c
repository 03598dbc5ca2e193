/* What a Python program asks of callgrind: to count a call, and to write down what was counted. Without valgrind both do nothing. */
#include <Python.h>
#include <valgrind/callgrind.h>

/* Called by ctypes with the GIL held. */
PyObject *count_call(PyObject *callable)
{
    CALLGRIND_TOGGLE_COLLECT;
    PyObject *result = PyObject_CallNoArgs(callable);
    CALLGRIND_TOGGLE_COLLECT;
    return result;
}

void begin_counting(void)
{
    CALLGRIND_START_INSTRUMENTATION;
}

void write_count(const char *name)
{
    CALLGRIND_DUMP_STATS_AT(name);
}
