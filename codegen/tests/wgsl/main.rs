//! The text of small shaders, exactly, and what has none: `kernels/*.kernel`, each a schedule as
//! [`support::template`] reads it. What comes out is `golden/*.wgsl`, which `BLESS=1` rewrites, or what
//! a line `; error: ..` says. What shaders compute is tested where there is a device, in
//! `sinew-runtime`.

#[path = "../support/mod.rs"]
mod support;

use sinew_codegen::kernel::Schedule;
use sinew_codegen::verify::verify;
use sinew_codegen::wgsl::{EmitError, Limits, Shader, Shaders, emit};
use std::path::PathBuf;
use support::files::{cases, text, texts};
use support::template::{directives, schedule};

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/wgsl")
        .join(name)
}

/// The one shader of a schedule, with the regions it touches (those it writes are marked) and its grid.
fn printed(shaders: &Shaders) -> String {
    let ([shader], [dispatch]) = (&shaders.shaders[..], &shaders.dispatches[..]) else {
        panic!("one shader")
    };
    let Shader { source, groups, .. } = shader;
    let regions: Vec<String> = dispatch
        .regions
        .iter()
        .zip(&shader.written)
        .map(|(region, written)| format!("{}{}", region.0, if *written { "!" } else { "" }))
        .collect();
    format!(
        "// regions {}; groups {groups:?}\n{source}",
        regions.join(" ")
    )
}

fn emitted(schedule: &Schedule) -> Result<Shaders, EmitError> {
    verify(schedule).expect("the schedule is right");
    emit(schedule, &Limits::default())
}

#[test]
fn kernels_have_these_shaders() {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder("kernels"))
        .expect("the folder is there")
        .map(|file| file.expect("a file").path())
        .collect();
    files.sort();
    assert!(!files.is_empty());
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a text");
        let found = emitted(&schedule(&text));
        let lines = directives(&text);
        if let Some(error) = lines.iter().find_map(|line| line.strip_prefix("error: ")) {
            let found = found.err().map(|e| e.to_string());
            assert_eq!(found.as_deref(), Some(error), "{}", file.display());
            continue;
        }
        let found = printed(&found.unwrap_or_else(|e| panic!("{}: {e}", file.display())));
        let name = file.file_stem().expect("a name").to_string_lossy();
        let path = folder("golden").join(format!("{name}.wgsl"));
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&path, &found).expect("the golden file is written");
        }
        let expected = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(found == expected, "{}:\n{found}", path.display());
    }
}

/// Which the scheduler leaves out, and the verifier refuses.
#[test]
fn a_map_of_nothing_has_no_shader_and_a_huge_one_is_an_error() {
    let map = |extent: usize| {
        schedule(&format!(
            "memory x f32[9] state
            kernel kernel {{
              nest outer [{extent}] inner [] rows []
              row {{
                r0: f32 = const 1
                store r0 s0 at 0 [1]
              }}
            }}"
        ))
    };
    let shaders = emit(&map(0), &Limits::default()).expect("emits");
    assert!(shaders.shaders.is_empty());
    assert!(shaders.dispatches.is_empty());
    let error = emit(&map(1 << 40), &Limits::default()).expect_err("too large");
    assert!(matches!(error, EmitError::Space { .. }), "{error}");
}

#[test]
fn products_with_tiles_enough_sum_in_8_by_8_registers() {
    let product = |batch: usize| {
        let source = format!(
            "memory x f32[{}] input
            memory w f32[{}] input
            memory y f32[{}] state
            kernel kernel {{
              contract f32 batch [{batch}] m [45] n [50] k [9]
              left r0 {{ r0: f32 = load s0 at 0 [405, 9, 1] }}
              right r0 {{ r0: f32 = load s1 at 0 [450, 50, 1] }}
              epilogue {{ r0: f32 = accumulator store r0 s2 at 0 [2250, 50, 1] }}
            }}",
            batch * 405,
            batch * 450,
            batch * 2250,
        );
        let shaders = emitted(&schedule(&source)).expect("emits");
        shaders.shaders[0].source.contains("sum7_1")
    };
    assert!(product(128));
    assert!(!product(1), "a few large tiles leave a device idle");
}

/// The emitter is reached by schedules that no verifier has seen: it says so and does not panic.
#[test]
fn what_the_verifier_refuses_is_an_error_or_a_shader() {
    let mut tried = 0;
    for (name, text) in texts() {
        for case in cases(&name, &text, "interp") {
            if case.error.is_some() {
                drop(emit(&case.schedule, &Limits::default()));
                tried += 1;
            }
        }
    }
    assert!(tried > 50, "{tried} files are refused");
    for name in [
        "a_slot_that_is_not_there",
        "too_few_strides",
        "a_register_that_is_not_there",
        "an_accumulator_in_a_map",
        "a_row_register_that_is_not_there",
    ] {
        for case in cases(name, &text(name), "interp") {
            let error = emit(&case.schedule, &Limits::default()).expect_err(name);
            assert!(
                matches!(error, EmitError::Malformed { .. }),
                "{name}: {error}"
            );
        }
    }
}
