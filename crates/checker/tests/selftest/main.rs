//! The checkers of data, tested: each must find what is wrong, and nothing else.

mod agreement;
mod brute;
mod edn;
mod golden;
mod mutants;
