/* The Linux calls that Swift's Glibc module lacks. */
#ifndef CLINUX_H
#define CLINUX_H
#endif
