//! The `millrace` binary; what it does is in the library beside it, where tests can reach it.

use std::process::ExitCode;

fn main() -> ExitCode {
    millrace::main()
}
