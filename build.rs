//! How the program is linked.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = |key: &str| std::env::var(format!("CARGO_CFG_TARGET_{key}")).unwrap_or_default();
    // Git starts it several times for each commit, as its hooks. At a fixed address there is nothing to
    // relocate at each start, which is most of what a start of a program of this size takes.
    if target("OS") == "linux" && target("ENV") == "gnu" {
        println!("cargo::rustc-link-arg-bin=treeyard=-no-pie");
    }
}
