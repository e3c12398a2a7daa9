//! `bando`: see `bando --help`.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    // Two to four threads: the work is waiting, and every thread costs memory.
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores.clamp(2, 4))
        .max_blocking_threads(8)
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(server::cli::run(server::cli::Cli::parse())),
        Err(error) => {
            eprintln!("bando: the system gives no threads: {error}");
            ExitCode::FAILURE
        }
    }
}
