//! Schedules that no emitter may see.

use sinew_codegen::kernel::*;
use sinew_codegen::verify::verify;
use sinew_ir::DType;

#[test]
fn a_guard_beyond_32_bits_is_refused() {
    let buffer = |region| Buffer {
        name: "x".into(),
        region: RegionId(region),
        offset: 0,
        dtype: DType::F32,
        elements: 4,
    };
    let region = |name: &str, kind| Region {
        name: name.into(),
        bytes: 16,
        kind,
    };
    let access = |slot, guards| Access {
        slot: SlotId(slot),
        offset: 0,
        strides: vec![1],
        guards,
    };
    let guarded = |offset: i64| Schedule {
        regions: vec![
            region("x", RegionKind::Input),
            region("y", RegionKind::State),
        ],
        buffers: vec![buffer(0), buffer(1)],
        nodes: vec![Node::Run(Run {
            kernel: KernelId(0),
            bindings: [0, 1]
                .map(|buffer| Binding {
                    buffer: BufferId(buffer),
                    offset: 0,
                    steps: Vec::new(),
                })
                .to_vec(),
            cuts: Vec::new(),
            values: Vec::new(),
        })],
        kernels: vec![Kernel {
            name: "map".into(),
            slots: [SlotUse::Read, SlotUse::Write]
                .map(|usage| Slot {
                    dtype: DType::F32,
                    elements: 4,
                    usage,
                })
                .to_vec(),
            class: Class::Nest(Nest {
                outer: vec![4],
                inner: Vec::new(),
                stages: vec![Stage::Row {
                    code: Code {
                        insts: vec![ScalarInst {
                            kind: ScalarKind::Load(access(
                                0,
                                vec![Guard {
                                    offset,
                                    strides: vec![1],
                                    extent: 4,
                                }],
                            )),
                            dtype: DType::F32,
                        }],
                        stores: vec![Store {
                            access: access(1, Vec::new()),
                            value: Reg(0),
                        }],
                    },
                    sets: Vec::new(),
                }],
                rows: Vec::new(),
                arrays: Vec::new(),
            }),
        }],
    };
    assert_eq!(verify(&guarded(0)), Ok(()));
    // In 32 bits, the last index of all would be 2: inside.
    let error = verify(&guarded((1 << 32) - 1)).expect_err("it wraps");
    assert!(
        error.to_string().contains("a guard leaves 32 bits"),
        "{error}"
    );
}
