//! Kernel IR prints and parses: what comes back is the same.

use crate::support;

use proptest::collection::vec;
use proptest::prelude::*;
use sinew_codegen::kernel::*;
use sinew_codegen::text::parse;
use sinew_ir::{DType, Reduction, Scalar};
use support::random::program;
use support::scheduled;

fn round_trip(s: &Schedule) {
    let text = s.to_string();
    let back = parse(&text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    assert_eq!(back, *s, "{text}");
    assert_eq!(back.to_string(), text);
}

#[test]
fn scheduled_programs_come_back() {
    for seed in 0..60 {
        let (function, _) = program(seed, seed % 3 == 0, DType::F32);
        round_trip(&scheduled(&function));
    }
}

fn any_dtype() -> impl Strategy<Value = DType> {
    prop::sample::select(vec![
        DType::F32,
        DType::F64,
        DType::I32,
        DType::U32,
        DType::Bool,
    ])
}

fn any_access() -> impl Strategy<Value = Access> {
    let guard = (any::<i64>(), vec(any::<i64>(), 0..3), any::<i64>());
    let guards = vec(guard, 0..3);
    (0u32..4, any::<i64>(), vec(any::<i64>(), 0..3), guards).prop_map(
        |(slot, offset, strides, guards)| Access {
            slot: SlotId(slot),
            offset,
            strides,
            guards: guards
                .into_iter()
                .map(|(offset, strides, extent)| Guard {
                    offset,
                    strides,
                    extent,
                })
                .collect(),
        },
    )
}

fn any_inst() -> impl Strategy<Value = ScalarInst> {
    let constant = prop_oneof![
        any::<f64>().prop_filter("NaN is not equal to itself", |x| !x.is_nan()),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
    ];
    let kind = prop_oneof![
        any_access().prop_map(ScalarKind::Load),
        (any_access(), 0u32..9, any::<usize>(), any::<i64>()).prop_map(
            |(access, index, extent, stride)| ScalarKind::Gather {
                access,
                index: Reg(index),
                extent,
                stride,
            }
        ),
        constant.prop_map(ScalarKind::Const),
        (any::<i64>(), vec(any::<i64>(), 0..3))
            .prop_map(|(offset, strides)| ScalarKind::Index { offset, strides }),
        (0u32..5).prop_map(|r| ScalarKind::Row(RowReg(r))),
        (0u32..5).prop_map(|a| ScalarKind::Element(ArrayId(a))),
        Just(ScalarKind::Accumulator),
        (
            prop::sample::select(Scalar::TABLE.to_vec()),
            vec(0u32..9, 0..4)
        )
            .prop_map(|(scalar, operands)| ScalarKind::Apply(
                scalar,
                operands.into_iter().map(Reg).collect()
            )),
    ];
    (kind, any_dtype()).prop_map(|(kind, dtype)| ScalarInst { kind, dtype })
}

fn any_code() -> impl Strategy<Value = Code> {
    let store = (any_access(), 0u32..9, any::<bool>());
    (vec(any_inst(), 0..5), vec(store, 0..3)).prop_map(|(insts, stores)| Code {
        insts,
        stores: stores
            .into_iter()
            .map(|(access, value, adds)| Store {
                access,
                value: Reg(value),
                adds,
            })
            .collect(),
    })
}

fn any_class() -> impl Strategy<Value = Class> {
    let extents = || vec(any::<usize>(), 0..3);
    let row = (any_code(), vec((0u32..4, 0u32..9), 0..3)).prop_map(|(code, sets)| Stage::Row {
        code,
        sets: sets
            .into_iter()
            .map(|(row, reg)| (RowReg(row), Reg(reg)))
            .collect(),
    });
    let reductions = vec![
        Reduction::Sum,
        Reduction::Prod,
        Reduction::Max,
        Reduction::ArgMax,
    ];
    let reduce = (0u32..4, prop::sample::select(reductions), 0u32..9);
    let each = (any_code(), vec(reduce, 0..3)).prop_map(|(code, reduces)| Stage::Each {
        code,
        reduces: reduces
            .into_iter()
            .map(|(row, r, reg)| (RowReg(row), r, Reg(reg)))
            .collect(),
    });
    let stages = vec(prop_oneof![row, each], 0..4);
    let kept = vec(0u32..9, 0..4);
    let nest = (extents(), extents(), stages, vec(any_dtype(), 0..4), kept).prop_map(
        |(outer, inner, stages, rows, kept)| {
            let stage =
                |(s, stage): (usize, &Stage)| matches!(stage, Stage::Each { .. }).then_some(s);
            let each: Vec<usize> = stages.iter().enumerate().filter_map(stage).collect();
            let array = |(stage, reg): (usize, u32)| RowArray {
                stage,
                value: Reg(reg),
            };
            Class::Nest(Nest {
                outer,
                inner,
                arrays: each.into_iter().zip(kept).map(array).collect(),
                stages,
                rows,
            })
        },
    );
    let operand = || {
        (any_code(), 0u32..9).prop_map(|(code, value)| Operand {
            code,
            value: Reg(value),
        })
    };
    let sizes = (extents(), extents(), extents());
    let contract = (
        extents(),
        sizes,
        any_dtype(),
        operand(),
        operand(),
        any_code(),
    )
        .prop_map(|(batch, (m, n, k), dtype, lhs, rhs, epilogue)| {
            Class::Contract(Contract {
                batch,
                m,
                n,
                k,
                dtype,
                lhs,
                rhs,
                epilogue,
            })
        });
    let sizes = (any::<usize>(), any::<usize>(), any::<i64>());
    let scatter = (extents(), sizes, any_access(), any_code(), 0u32..9, 0u32..9).prop_map(
        |(outer, (updates, extent, stride), target, code, index, update)| {
            Class::Scatter(Scatter {
                outer,
                updates,
                extent,
                target,
                stride,
                code,
                index: Reg(index),
                update: Reg(update),
            })
        },
    );
    let along = (extents(), any::<usize>());
    let scan = (along, -4.0f64..4.0, any_code(), 0u32..9).prop_map(
        |((outer, extent), start, code, next)| {
            Class::Scan(Scan {
                outer,
                extent,
                start,
                code,
                next: Reg(next),
            })
        },
    );
    let along = (extents(), any::<usize>());
    let sort = (along, any::<bool>(), any_access(), any_access()).prop_map(
        |((outer, extent), descending, keys, indices)| {
            Class::Sort(Sort {
                outer,
                extent,
                descending,
                keys,
                indices,
            })
        },
    );
    prop_oneof![nest, contract, scatter, scan, sort]
}

/// Runs of kernel 0, loops and parts.
fn any_node() -> impl Strategy<Value = Node> {
    let binding = (any::<u32>(), any::<i64>(), vec(any::<i64>(), 0..3)).prop_map(
        |(buffer, offset, steps)| Binding {
            buffer: BufferId(buffer),
            offset,
            steps,
        },
    );
    let cuts = vec(any::<usize>(), 0..3);
    let run = (vec(binding, 0..3), cuts, vec(".*", 0..3)).prop_map(|(bindings, cuts, values)| {
        Node::Run(Run {
            kernel: KernelId(0),
            bindings,
            cuts,
            values,
        })
    });
    run.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            (any::<usize>(), any::<bool>(), vec(inner.clone(), 0..3))
                .prop_map(|(trip, apart, body)| Node::Loop(Loop { trip, apart, body })),
            (".*", vec(inner, 0..3)).prop_map(|(name, nodes)| Node::Part(Part { name, nodes })),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    /// Whatever the rules say of it.
    #[test]
    fn any_schedule_comes_back(
        class in any_class(),
        nodes in vec(any_node(), 0..4),
        name in ".*",
        usage in prop::sample::select(vec![SlotUse::Read, SlotUse::Write, SlotUse::Update]),
        dtype in any_dtype(),
        size in any::<usize>(),
    ) {
        // Names of regions are told apart by what comes before them.
        let kinds = [RegionKind::Arena, RegionKind::Turn, RegionKind::Input, RegionKind::State, RegionKind::Output];
        let regions = kinds.iter().enumerate().map(|(i, kind)| Region {
            name: format!("{i}{name}"),
            bytes: size,
            kind: *kind,
        });
        round_trip(&Schedule {
            regions: regions.collect(),
            buffers: vec![Buffer {
                name,
                region: RegionId(2),
                offset: size,
                dtype,
                elements: size,
            }],
            kernels: vec![Kernel {
                name: "map_0_add".into(),
                slots: vec![Slot { dtype, elements: size, usage }],
                class,
            }],
            nodes,
        });
    }

    /// No text makes the parser fall.
    #[test]
    fn any_text_is_read_or_refused(text in "(region|buffer|kernel|run|loop|part|nest|[a-z0-9\\[\\]{},:=<+\" \n-]){0,40}") {
        drop(parse(&text));
    }
}

#[test]
fn mistakes_are_told_with_their_line() {
    let refused = |text: &str, line: usize, what: &str| {
        let error = parse(text).expect_err(text);
        assert_eq!((error.line, error.what.as_str()), (line, what), "{text}");
    };
    refused("region \"x\" input\n", 1, "a word is expected");
    refused(
        "region \"x\" borrowed 4\n",
        1,
        "`borrowed` is no kind of region",
    );
    refused(
        "\nbuffer b0 \"x\" f32[4] in \"x\" at 0\n",
        2,
        "there is no region `x`",
    );
    refused("run k gives", 1, "there is no kernel `k`");
    refused("kernel k {\n  map\n", 2, "`map` is no class of kernels");
    refused(
        "kernel k {\n  slot s1 read f32[4]\n",
        2,
        "slots are numbered in order",
    );
    refused("loop 3 {\n  ?\n}", 2, "a character that means nothing here");
    let deep = "loop 1 {".repeat(100);
    refused(&deep, 1, "more than 64 loops and parts in each other");
}
