//! Holds the arrows between the packages: who may know whom (see ARCHITECTURE.md).

use serde_json::Value;
use std::process::Command;

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON")
}

/// The names of the packages that `package` depends on, development's left out.
fn dependencies(metadata: &Value, package: &str) -> Vec<String> {
    let packages = metadata["packages"].as_array().expect("packages");
    let found = packages
        .iter()
        .find(|p| p["name"] == package)
        .expect("the package is there");
    let all = found["dependencies"]
        .as_array()
        .expect("dependencies")
        .iter();
    let built = all.filter(|d| d["kind"] != "dev");
    built
        .map(|d| d["name"].as_str().expect("a name").to_string())
        .collect()
}

#[test]
fn packages_know_only_what_they_may() {
    let metadata = metadata();
    let above_ir = [
        "sinew-macros",
        "sinew-codegen",
        "sinew-data",
        "sinew-runtime",
        "sinew",
    ];
    let rules: [(&str, &[&str], &[&str]); 8] = [
        ("sinew-fuzz", &above_ir, &["sinew-ir", "sinew-testing"]),
        ("sinew-testing", &above_ir, &["cranelift-codegen", "wgpu"]),
        (
            "sinew-ir",
            &above_ir,
            &["syn", "quote", "cranelift-codegen", "wgpu", "ndarray"],
        ),
        (
            "sinew-macros",
            &["sinew-codegen", "sinew-data", "sinew-runtime", "sinew"],
            &["cranelift-codegen", "wgpu"],
        ),
        (
            "sinew-codegen",
            &["sinew-macros", "sinew-data", "sinew-runtime", "sinew"],
            &["syn", "wgpu", "ndarray"],
        ),
        (
            "sinew-runtime",
            &["sinew-macros", "sinew-data", "sinew"],
            &["syn", "quote"],
        ),
        (
            "sinew-data",
            &[
                "sinew-ir",
                "sinew-macros",
                "sinew-codegen",
                "sinew-runtime",
                "sinew",
            ],
            &["syn", "cranelift-codegen", "wgpu"],
        ),
        (
            "sinew",
            &["sinew-codegen"],
            &["syn", "cranelift-codegen", "wgpu"],
        ),
    ];
    for (package, ours, others) in rules {
        let known = dependencies(&metadata, package);
        for name in ours.iter().chain(others) {
            assert!(
                !known.iter().any(|k| k == name),
                "{package} must not depend on {name}"
            );
        }
    }
}
