//! Compiles the seeded `getrandom` and links it into the binary `sim`, and into nothing else.

use std::env;
use std::error::Error;
use std::path::PathBuf;
use std::process::Command;

fn main() -> Result<(), Box<dyn Error>> {
    let source = "src/os/getrandom.c";
    println!("cargo:rerun-if-changed={source}");
    println!("cargo:rerun-if-env-changed=CC");
    let object = PathBuf::from(env::var("OUT_DIR")?).join("getrandom.o");
    let compiler = env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let status = Command::new(&compiler)
        .args(["-c", "-O2", "-Wall", "-Werror", "-fPIC", "-o"])
        .arg(&object)
        .arg(source)
        .status()
        .map_err(|error| format!("run the C compiler {compiler}: {error}"))?;
    if !status.success() {
        return Err(format!("{compiler} does not compile {source}: {status}").into());
    }
    println!("cargo:rustc-link-arg-bin=sim={}", object.display());
    Ok(())
}
