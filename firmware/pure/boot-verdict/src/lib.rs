//! Facts about this boot in, a verdict out.

#![forbid(unsafe_code)]
