/* Whatever goes wrong ends the run: a measurement of a broken line is worth nothing. */
#ifndef FAILURE_H
#define FAILURE_H

_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
