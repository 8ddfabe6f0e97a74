//! The `holdfast` program: a node, a cluster on one machine, and the command line of both.
//!
//! It only wires. A server is put together in [`assemble`]; everything that decides lives in the
//! libraries.

mod assemble;
mod config;
mod dev;
mod entry;
mod serve;
mod telemetry;

mod exit {
    use std::process::ExitCode;
    pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
        let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("{error:#}\n").as_bytes());
        code_of(error)
    }
    pub(crate) fn report_config(error: &crate::config::ConfigError) -> ExitCode {
        let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("{error:#}\n").as_bytes());
        ExitCode::from(78)
    }
    pub(crate) fn code_of(error: &anyhow::Error) -> ExitCode {
        let entry = error.downcast_ref::<crate::entry::EntryError>().is_some();
        ExitCode::from(if entry { 78 } else { 70 })
    }
    pub(crate) fn print(text: &str) -> ExitCode {
        let _ = std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes());
        ExitCode::SUCCESS
    }
}
mod http_api {
    pub(crate) struct ApiServer;
    #[derive(Default)]
    pub(crate) struct ApiSettings;
    pub(crate) fn serve(_: tokio::net::TcpListener, _: node::Node, _: ApiSettings) -> anyhow::Result<ApiServer> { Ok(ApiServer) }
    impl ApiServer { pub(crate) async fn stopped(&self) {} }
}

use clap::Parser;
#[derive(Parser)]
enum Cli { Serve(serve::ServeArgs), Dev(dev::DevArgs), Config(config::show::ConfigArgs) }

fn main() -> std::process::ExitCode {
    match Cli::parse() {
        Cli::Serve(args) => serve::run(&args),
        Cli::Dev(args) => dev::run(&args),
        Cli::Config(args) => config::show::run(&args),
    }
}
