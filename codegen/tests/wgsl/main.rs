//! The text of small shaders, exactly; `BLESS=1` rewrites the files in `golden/`. What the shaders
//! compute is tested where there is a device, in `sinew-runtime`.

use std::path::PathBuf;

use sinew_codegen::kernel::{
    Access, Buffer, Class, Code, Contract, Guard, Nest, Node, Operand, Reg, Region, RegionId,
    RegionKind, RowReg, ScalarInst, ScalarKind, Scatter, Schedule, SlotId, Stage, Store,
};
use sinew_codegen::verify::verify;
use sinew_codegen::wgsl::{EmitError, Limits, Shader, emit};
use sinew_ir::{DType, Reduction, Scalar};

/// A schedule of one kernel over buffers that each fill a region; the last one is written.
fn schedule(buffers: &[(&str, DType, usize)], class: Class) -> Schedule {
    let last = buffers.len() - 1;
    let mut schedule = Schedule {
        regions: buffers
            .iter()
            .enumerate()
            .map(|(at, (name, _, elements))| Region {
                name: (*name).into(),
                bytes: elements * 4,
                kind: match at == last {
                    true => RegionKind::State,
                    false => RegionKind::Input,
                },
            })
            .collect(),
        buffers: (0u32..)
            .zip(buffers)
            .map(|(at, (name, dtype, elements))| Buffer {
                name: (*name).into(),
                region: RegionId(at),
                offset: 0,
                dtype: *dtype,
                elements: *elements,
            })
            .collect(),
        kernels: Vec::new(),
        nodes: Vec::new(),
    };
    let run = schedule.bind(class, |_| "kernel".into(), Vec::new());
    schedule.nodes.push(Node::Run(run));
    schedule
}

fn access(buffer: u32, strides: &[i64]) -> Access {
    Access {
        slot: SlotId(buffer),
        offset: 0,
        strides: strides.to_vec(),
        guards: Vec::new(),
    }
}

fn inst(kind: ScalarKind, dtype: DType) -> ScalarInst {
    ScalarInst { kind, dtype }
}

fn load(buffer: u32, strides: &[i64]) -> ScalarInst {
    inst(ScalarKind::Load(access(buffer, strides)), DType::F32)
}

fn apply(scalar: Scalar, operands: &[u32], dtype: DType) -> ScalarInst {
    let operands = operands.iter().map(|r| Reg(*r)).collect();
    inst(ScalarKind::Apply(scalar, operands), dtype)
}

fn code(insts: &[ScalarInst], stores: &[(u32, &[i64], u32)]) -> Code {
    Code {
        insts: insts.to_vec(),
        stores: stores
            .iter()
            .map(|(buffer, strides, value)| Store {
                access: access(*buffer, strides),
                value: Reg(*value),
            })
            .collect(),
    }
}

fn map(outer: &[usize], code: Code) -> Class {
    Class::Nest(Nest {
        outer: outer.to_vec(),
        inner: Vec::new(),
        stages: vec![Stage::Row {
            code,
            sets: Vec::new(),
        }],
        rows: Vec::new(),
        arrays: Vec::new(),
    })
}

fn golden(name: &str, schedule: &Schedule) {
    verify(schedule).expect("the schedule is right");
    let shaders = emit(schedule, &Limits::default()).expect("emits");
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
    let found = format!(
        "// regions {}; groups {groups:?}\n{source}",
        regions.join(" ")
    );
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/wgsl/golden")
        .join(format!("{name}.wgsl"));
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &found).expect("the golden file is written");
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "{}:\n{found}", path.display());
}

#[test]
fn map_with_transposed_operand() {
    let body = code(
        &[
            load(0, &[1, 10]),
            load(1, &[0, 1]),
            apply(Scalar::ADD, &[0, 1], DType::F32),
            inst(ScalarKind::Const(0.0), DType::F32),
            apply(Scalar::LE, &[2, 3], DType::Bool),
            apply(Scalar::SELECT, &[4, 3, 2], DType::F32),
        ],
        &[(2, &[30, 1], 5)],
    );
    let buffers = [
        ("x", DType::F32, 300),
        ("bias", DType::F32, 30),
        ("y", DType::F32, 300),
    ];
    golden("map", &schedule(&buffers, map(&[10, 30], body)));
}

#[test]
fn row_reduction_of_long_rows() {
    let class = Class::Nest(Nest {
        outer: vec![5],
        inner: vec![100],
        stages: vec![
            Stage::Each {
                code: code(&[load(0, &[100, 1])], &[]),
                reduces: vec![(RowReg(0), Reduction::Max, Reg(0))],
            },
            Stage::Each {
                code: code(
                    &[
                        inst(ScalarKind::Row(RowReg(0)), DType::F32),
                        load(0, &[100, 1]),
                        apply(Scalar::SUB, &[1, 0], DType::F32),
                    ],
                    &[(1, &[100, 1], 2)],
                ),
                reduces: Vec::new(),
            },
        ],
        rows: vec![DType::F32],
        arrays: Vec::new(),
    });
    let buffers = [("x", DType::F32, 500), ("y", DType::F32, 500)];
    golden("rows", &schedule(&buffers, class));
}

#[test]
fn small_and_tiled_contractions() {
    let product = |m: usize, n: usize, k: usize| {
        let (rows, depth) = (n as i64, k as i64);
        let class = Class::Contract(Contract {
            batch: Vec::new(),
            m: vec![m],
            n: vec![n],
            k: vec![k],
            dtype: DType::F32,
            lhs: Operand::plain(access(0, &[depth, 1]), DType::F32),
            rhs: Operand::plain(access(1, &[rows, 1]), DType::F32),
            epilogue: code(
                &[inst(ScalarKind::Accumulator, DType::F32)],
                &[(2, &[rows, 1], 0)],
            ),
        });
        let buffers = [
            ("x", DType::F32, m * k),
            ("w", DType::F32, k * n),
            ("y", DType::F32, m * n),
        ];
        schedule(&buffers, class)
    };
    golden("contract_small", &product(3, 10, 7));
    golden("contract_tiled", &product(20, 16, 9));
}

/// `relu(x) w` where all but `depth - 1` rows of w are zeros.
#[test]
fn contractions_of_computed_operands() {
    let product = |m: usize, n: usize, k: usize| {
        let (rows, depth) = (n as i64, k as i64);
        let mut padded = access(1, &[rows, 1]);
        padded.guards.push(Guard {
            offset: 0,
            strides: vec![1, 0],
            extent: depth - 1,
        });
        let relu = [
            load(0, &[depth, 1]),
            inst(ScalarKind::Const(0.0), DType::F32),
            apply(Scalar::MAXIMUM, &[0, 1], DType::F32),
        ];
        let class = Class::Contract(Contract {
            batch: Vec::new(),
            m: vec![m],
            n: vec![n],
            k: vec![k],
            dtype: DType::F32,
            lhs: Operand {
                code: code(&relu, &[]),
                value: Reg(2),
            },
            rhs: Operand::plain(padded, DType::F32),
            epilogue: code(
                &[inst(ScalarKind::Accumulator, DType::F32)],
                &[(2, &[rows, 1], 0)],
            ),
        });
        let buffers = [
            ("x", DType::F32, m * k),
            ("w", DType::F32, (k - 1) * n),
            ("y", DType::F32, m * n),
        ];
        schedule(&buffers, class)
    };
    golden("prologue_small", &product(3, 10, 7));
    golden("prologue_tiled", &product(20, 16, 9));
}

#[test]
fn scatter_into_a_table() {
    let class = Class::Scatter(Scatter {
        outer: vec![4],
        updates: 9,
        extent: 5,
        target: access(2, &[1, 0]),
        stride: 4,
        code: code(
            &[
                inst(ScalarKind::Load(access(0, &[0, 1])), DType::I32),
                load(1, &[1, 4]),
            ],
            &[],
        ),
        index: Reg(0),
        update: Reg(1),
    });
    let buffers = [
        ("labels", DType::I32, 9),
        ("rows", DType::F32, 36),
        ("table", DType::F32, 20),
    ];
    golden("scatter", &schedule(&buffers, class));
}

/// The emitter is reached by schedules that no verifier has seen: it says so and does not panic.
#[test]
fn malformed_kernels_are_errors() {
    let refused = |class: Class| {
        let buffers = [("x", DType::F32, 9), ("y", DType::F32, 9)];
        let error = emit(&schedule(&buffers, class), &Limits::default()).expect_err("malformed");
        assert!(matches!(error, EmitError::Malformed { .. }), "{error}");
    };
    refused(map(&[9], code(&[load(7, &[1])], &[])));
    refused(map(&[9], code(&[load(0, &[1, 1])], &[])));
    refused(map(&[9], code(&[load(0, &[i64::MAX])], &[])));
    refused(map(&[9], code(&[load(0, &[1])], &[(1, &[1], 3)])));
    refused(map(
        &[9],
        code(&[apply(Scalar::NEG, &[0], DType::F32)], &[]),
    ));
    refused(map(
        &[9],
        code(&[load(0, &[1]), apply(Scalar::ADD, &[0], DType::F32)], &[]),
    ));
    refused(map(
        &[9],
        code(&[load(0, &[1]), apply(Scalar::NOT, &[0], DType::F32)], &[]),
    ));
    refused(map(
        &[9],
        code(&[inst(ScalarKind::Accumulator, DType::F32)], &[]),
    ));
    refused(map(
        &[9],
        code(&[inst(ScalarKind::Row(RowReg(2)), DType::F32)], &[]),
    ));
    let huge = map(&[1 << 40], code(&[load(0, &[1])], &[]));
    let error = emit(&schedule(&[("x", DType::F32, 9)], huge), &Limits::default());
    assert!(matches!(error, Err(EmitError::Space { .. })), "{error:?}");
}
