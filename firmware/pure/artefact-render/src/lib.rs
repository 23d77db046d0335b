//! A checked configuration in, the files that make it true out.

#![forbid(unsafe_code)]
