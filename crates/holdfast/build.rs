//! Links the release binary without the debug sections of RocksDB's C++, which make it half a
//! gigabyte. Done here and not by the profile's `strip`, which would compile RocksDB anew.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let release = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let linux = std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux");
    if release && linux {
        println!("cargo::rustc-link-arg-bins=-Wl,--strip-debug");
    }
}
