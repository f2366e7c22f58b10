//! Has the crate built again when a source folder changes: they are embedded (see `builtin`), which
//! cargo cannot see by itself.

fn main() {
    println!("cargo::rerun-if-changed=../../sources");
    println!("cargo::rerun-if-changed=build.rs");
}
