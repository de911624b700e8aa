//! Every reason that the scheduler can give, with a program that gives it.

use crate::support;

use sinew_codegen::cost::Target;
use sinew_codegen::decision::{Choice, Obstacle, RepeatReason, StoreReason};
use sinew_codegen::explain::decisions;
use sinew_codegen::kernel::{RegionKind, Regions};
use sinew_codegen::schedule::{Part, RegionOffset, schedule_with_decisions};
use sinew_ir::{Function, parse};
use support::decided;

/// A function from its parameters, the types of its results and its body.
fn function(params: &str, types: &str, body: &str) -> Function {
    let text = format!("fn @f({params}) -> {types} {{\n{body}\n}}\n");
    parse(&text).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

/// What is decided of a function's values for the CPU.
fn choices(function: &Function) -> Vec<Choice> {
    let (_, parts) = decided(function, Target::Cpu);
    let decisions = parts.into_iter().flat_map(|part| part.decisions);
    decisions.map(|decision| decision.choice).collect()
}

#[track_caller]
fn not_fused(expected: Obstacle, function: &Function) {
    let found = choices(function);
    let is = |c: &Choice| matches!(c, Choice::NotFused { why, .. } if *why == expected);
    assert!(found.iter().any(is), "no {expected:?}: {found:?}");
}

#[track_caller]
fn stored(expected: StoreReason, function: &Function) {
    let found = choices(function);
    let expected = Choice::Stored(expected);
    assert!(found.contains(&expected), "no {expected:?}: {found:?}");
}

#[test]
fn what_has_kernels_of_its_own_is_not_fused() {
    let f = function(
        "%x: f32[4, 8], %y: f32[4, 8]",
        "f32[8, 8]",
        "  %1 = concat %x, %y axis [0]\n  %2 = exp %1\n  return %2",
    );
    not_fused(Obstacle::Alone, &f);
}

#[test]
fn contractions_do_not_compute_other_kernels_operands() {
    let f = function(
        "%x: f32[8, 8], %y: f32[8, 8]",
        "f32[8, 8]",
        "  %1 = dot %x, %y contract_x [1] contract_y [0]
  %2 = dot %1, %y contract_x [1] contract_y [0]
  return %2",
    );
    not_fused(Obstacle::Contracted, &f);
}

#[test]
fn an_epilogue_does_not_compute_rows() {
    let f = function(
        "%x: f32[8, 16], %y: f32[16, 8], %z: f32[8, 32]",
        "f32[8, 8]",
        "  %1 = sum %z axes [1]
  %2 = broadcast %1 shape [8, 8] new [1]
  %3 = dot %x, %y contract_x [1] contract_y [0]
  %4 = add %3, %2
  return %4",
    );
    not_fused(Obstacle::Kinds, &f);
}

#[test]
fn one_kernel_has_so_many_values_and_no_more() {
    let mut body = "  %100 = exp %x\n".to_string();
    for i in 101..140 {
        body += &format!("  %{i} = tanh %{}\n", i - 1);
    }
    let results: Vec<String> = (100..140).map(|i| format!("%{i}")).collect();
    body += &format!("  return {}", results.join(", "));
    let f = function("%x: f32[8]", &vec!["f32[8]"; 40].join(", "), &body);
    not_fused(Obstacle::Full, &f);
}

#[test]
fn another_kernel_runs_between() {
    let f = function(
        "%x: f32[8, 16], %w: f32[16, 4]",
        "f32[8, 16], f32[8, 16]",
        "  %1 = softmax %x axis [1]
  %2 = dot %1, %w contract_x [1] contract_y [0]
  %3 = sum %2 axes [1]
  %4 = broadcast %3 shape [8, 16] new [1]
  %5 = mul %1, %4
  return %1, %5",
    );
    not_fused(Obstacle::Order, &f);
}

#[test]
fn an_epilogue_touches_as_many_regions_as_shaders_bind() {
    let mut params = "%x: f32[8, 8], %y: f32[8, 8]".to_string();
    let mut body = "  %100 = dot %x, %y contract_x [1] contract_y [0]\n".to_string();
    for i in 1..10 {
        params += &format!(", %z{i}: f32[8, 8]");
        body += &format!("  %{} = add %{}, %z{i}\n", 100 + i, 99 + i);
    }
    body += "  return %109";
    not_fused(Obstacle::Regions, &function(&params, "f32[8, 8]", &body));
}

/// A chain of so many functions.
fn chain(length: usize) -> Function {
    let mut body = "  %1000 = exp %x\n".to_string();
    for i in 1..length {
        body += &format!("  %{} = tanh %{}\n", 1000 + i, 999 + i);
    }
    body += &format!("  return %{}", 999 + length);
    function("%x: f32[8]", "f32[8]", &body)
}

#[test]
fn long_chains_are_cut() {
    not_fused(Obstacle::Cut, &chain(150));
    stored(StoreReason::Chain, &chain(150));
}

#[test]
fn what_is_read_at_another_index_is_not_fused() {
    let f = function(
        "%x: f32[8, 8]",
        "f32[8, 8], f32[8, 8]",
        "  %1 = exp %x
  %2 = permute %1 axes [1, 0]
  %3 = add %1, %2
  return %1, %3",
    );
    not_fused(Obstacle::OtherPlace, &f);
}

#[test]
fn values_without_a_common_space_are_not_fused() {
    let f = function(
        "%x: f32[8, 16], %y: f32[8, 24]",
        "f32[8, 24]",
        "  %1 = sum %x axes [1]
  %2 = broadcast %1 shape [8, 24] new [1]
  %3 = mul %y, %2
  return %3",
    );
    not_fused(Obstacle::Space, &f);
}

#[test]
fn a_part_of_a_row_is_not_fused() {
    let f = function(
        "%x: f32[8, 16]",
        "f32[8], f32[]",
        "  %1 = max %x axes [1]\n  %2 = sum %1 axes [0]\n  return %1, %2",
    );
    not_fused(Obstacle::PartOfRow, &f);
}

#[test]
fn what_lies_across_the_rows_is_not_fused() {
    let f = function(
        "%x: f32[16, 8]",
        "f32[16, 8]",
        "  %1 = sum %x axes [0]
  %2 = broadcast %1 shape [16, 8] new [0]
  %3 = div %x, %2
  return %3",
    );
    not_fused(Obstacle::AcrossRows, &f);
}

/// Every element of some rows divided by the place of the row's greatest, the tangents of both.
fn by_greatest(rows: usize, length: usize) -> Function {
    function(
        &format!("%x: f32[{rows}, {length}]"),
        &format!("f32[{rows}, {length}]"),
        &format!(
            "  %1 = tanh %x
  %2 = argmax %1 axis [1]
  %3 = cast %2 dtype f32
  %4 = broadcast %3 shape [{rows}, {length}] new [1]
  %5 = mul %1, %4
  return %5"
        ),
    )
}

#[test]
fn few_long_rows_are_not_fused() {
    not_fused(Obstacle::LongRows, &by_greatest(2, 5000));
}

#[test]
fn an_epilogue_does_not_reduce() {
    let f = function(
        "%x: f32[8, 16], %y: f32[16, 8]",
        "f32[8]",
        "  %1 = dot %x, %y contract_x [1] contract_y [0]\n  %2 = max %1 axes [1]\n  return %2",
    );
    not_fused(Obstacle::EpilogueReduces, &f);
}

#[test]
fn reductions_of_other_dims_are_not_fused() {
    let f = function(
        "%x: f32[16, 8]",
        "f32[16, 8], f32[8]",
        "  %1 = softmax %x axis [1]\n  %2 = max %1 axes [0]\n  return %1, %2",
    );
    not_fused(Obstacle::OtherRows, &f);
}

#[test]
fn what_is_dear_is_stored_before_it_is_broadcast() {
    let f = function(
        "%x: f32[8], %y: f32[64, 8]",
        "f32[64, 8]",
        "  %1 = exp %x
  %2 = broadcast %1 shape [64, 8] new [0]
  %3 = mul %y, %2
  return %3",
    );
    stored(StoreReason::Broadcast, &f);
}

#[test]
fn parts_of_concatenations_are_stored_in_place() {
    let f = function(
        "%x: f32[8], %y: f32[8]",
        "f32[16]",
        "  %1 = exp %x\n  %2 = concat %1, %y axis [0]\n  return %2",
    );
    stored(StoreReason::Part, &f);
}

#[test]
fn what_others_read_until_the_end_is_computed_aside() {
    let f = function(
        "%x: f32[3, 3]",
        "f32[3, 3]",
        "  %1 = permute %x axes [1, 0]\n  %2 = add %x, %1\n  return %2",
    );
    let mut regions = Regions::new();
    let x = RegionOffset {
        region: regions.add("x", 36, RegionKind::State),
        offset: 0,
    };
    let part = Part {
        name: "in place",
        program: &f,
        inputs: vec![x],
        outputs: vec![x],
    };
    let (_, parts) = schedule_with_decisions(&[part], regions, Target::Cpu).expect("scheduled");
    let text = decisions(&parts);
    assert!(text.starts_with("decisions of part in place\n"), "{text}");
    assert!(text.contains(&StoreReason::Aside.to_string()), "{text}");
}

#[test]
fn what_no_kernel_can_index_is_stored() {
    let f = function(
        "%x: f32[6, 4], %y: f32[3, 8]",
        "f32[3, 8]",
        "  %1 = exp %x
  %2 = permute %1 axes [1, 0]
  %3 = reshape %2 shape [3, 8]
  %4 = add %3, %y
  return %4",
    );
    stored(StoreReason::Index, &f);
}

#[test]
fn what_is_read_at_many_places_is_stored() {
    let mut body = "  %100 = tanh %x\n  %200 = slice %100 axis [0] range [0, 8, 1]\n".to_string();
    for i in 1..7 {
        body += &format!(
            "  %{} = slice %100 axis [0] range [{i}, {}, 1]\n",
            100 + i,
            8 + i
        );
        body += &format!("  %{} = add %{}, %{}\n", 200 + i, 199 + i, 100 + i);
    }
    body += "  return %206";
    stored(
        StoreReason::Places,
        &function("%x: f32[16]", "f32[8]", &body),
    );
}

#[test]
fn results_of_rows_are_stored_for_a_reduction() {
    let f = function(
        "%x: f32[16, 8]",
        "f32[16], f32[]",
        "  %1 = max %x axes [1]\n  %2 = exp %1\n  %3 = sum %2 axes [0]\n  return %1, %3",
    );
    stored(StoreReason::OfRows, &f);
}

#[test]
fn keys_are_stored_before_they_are_sorted() {
    let f = function(
        "%x: f32[16, 8]",
        "i32[16, 8]",
        "  %1 = exp %x\n  %2 = argsort %1 axis [1] descending 0\n  return %2",
    );
    stored(StoreReason::Sorted, &f);
}

#[test]
fn operands_are_stored_in_the_order_in_which_they_are_contracted() {
    let f = function(
        "%x: f32[6, 5], %y: f32[5, 4], %w: f32[2, 4, 3]",
        "f32[3, 3]",
        "  %1 = dot %x, %y contract_x [1] contract_y [0]
  %2 = reshape %1 shape [2, 3, 4]
  %3 = dot %2, %w contract_x [0, 2] contract_y [0, 1]
  return %3",
    );
    stored(StoreReason::Ordered, &f);
}

/// A product whose left operand, of 16 rows of 8, is computed.
fn product(params: &str, body: &str) -> Function {
    let params = format!("%x: f32[16, 8], %w: f32[8, 4]{params}");
    let body = format!("{body}  %100 = dot %1, %w contract_x [1] contract_y [0]\n  return %100");
    function(&params, "f32[16, 4]", &body)
}

#[test]
fn cheap_operands_are_computed_where_they_are_multiplied() {
    let f = product("", "  %1 = relu %x\n");
    assert!(choices(&f).contains(&Choice::ComputedAtUse));
}

#[test]
fn operands_are_stored_for_their_work_bytes_and_regions() {
    stored(StoreReason::Work, &product("", "  %1 = tanh %x\n"));
    let sum = "  %2 = add %x, %y\n  %1 = add %2, %z\n";
    let wide = product(", %y: f32[16, 8], %z: f32[16, 8]", sum);
    stored(StoreReason::Bytes, &wide);
    let mut body = "  %10 = neg %x\n".to_string();
    for i in 0..3 {
        body += &format!("  %{} = broadcast %v{i} shape [16, 8] new [0]\n", 20 + i);
        let to = if i == 2 { 1 } else { 11 + i };
        body += &format!("  %{to} = add %{}, %{}\n", 10 + i, 20 + i);
    }
    let many = product(", %v0: f32[8], %v1: f32[8], %v2: f32[8]", &body);
    stored(StoreReason::Regions, &many);
}

#[test]
fn operands_that_repeat_smaller_values_are_stored_small() {
    let body = "  %2 = neg %v\n  %1 = broadcast %2 shape [16, 8] new [0]\n";
    stored(StoreReason::Repeats, &product(", %v: f32[8]", body));
}

#[test]
fn operands_that_others_read_are_stored() {
    let f = function(
        "%x: f32[16, 8], %w: f32[8, 4]",
        "f32[16, 4], f32[16]",
        "  %1 = relu %x
  %2 = dot %1, %w contract_x [1] contract_y [0]
  %3 = max %1 axes [1]
  return %2, %3",
    );
    stored(StoreReason::OtherReaders, &f);
}

#[test]
fn operands_that_follow_from_a_kernel_are_stored_by_it() {
    let f = function(
        "%x: f32[16, 8], %w: f32[8, 8]",
        "f32[16, 8], f32[16, 8]",
        "  %1 = dot %x, %w contract_x [1] contract_y [0]
  %2 = relu %1
  %3 = dot %2, %w contract_x [1] contract_y [0]
  return %1, %3",
    );
    stored(StoreReason::OnTheWay, &f);
}

#[test]
fn rows_keep_what_is_dear_and_has_room() {
    let kept = |c: &Choice| matches!(c, Choice::Kept { without, with } if with < without);
    assert!(choices(&by_greatest(64, 5000)).iter().any(kept));
    // 800 kB are in no cache that a processor has for itself, and a shader has 8 kB.
    let too_long = Choice::Repeated(RepeatReason::NoRoom);
    assert!(choices(&by_greatest(64, 200_000)).contains(&too_long));
    let (_, parts) = decided(&by_greatest(64, 5000), Target::Gpu);
    let text = decisions(&parts);
    assert!(text.contains(&RepeatReason::NoRoom.to_string()), "{text}");
    // A difference is as cheap as a load.
    let f = function(
        "%x: f32[16, 8]",
        "f32[16, 8]",
        "  %1 = mean %x axes [1]
  %2 = broadcast %1 shape [16, 8] new [1]
  %3 = sub %x, %2
  %4 = square %3
  %5 = sum %4 axes [1]
  %6 = broadcast %5 shape [16, 8] new [1]
  %7 = div %3, %6
  return %7",
    );
    assert!(choices(&f).contains(&Choice::Repeated(RepeatReason::Cheap)));
}

/// A map over rows, and the sum of one of its values over all rows.
fn with_sum(rows: usize, length: usize) -> Function {
    let shape = format!("f32[{rows}, {length}]");
    let body = "  %1 = exp %x\n  %2 = tanh %1\n  %3 = sum %1 axes [0]\n  return %2, %3";
    function(
        &format!("%x: {shape}"),
        &format!("{shape}, f32[{length}]"),
        body,
    )
}

#[test]
fn sums_over_rows_are_added_up_in_blocks_by_what_computes_the_rows() {
    let with = "%2".to_string();
    let in_blocks = Choice::InBlocks { with, blocks: 64 };
    for rows in [512, 4096] {
        assert!(choices(&with_sum(rows, 64)).contains(&in_blocks), "{rows}");
    }
    // Blocks of seven rows, of none that they could be cut into, and rows that vectors do not lie along.
    for (rows, length) in [(448, 64), (521, 64), (4096, 32)] {
        let found = choices(&with_sum(rows, length));
        let blocks = |c: &Choice| matches!(c, Choice::InBlocks { .. });
        assert!(!found.iter().any(blocks), "{rows} of {length}");
    }
    // Rows that lie across memory: those of a sum over columns, beside one over rows.
    let f = function(
        "%x: f32[4096, 1024]",
        "f32[1024], f32[4096]",
        "  %1 = exp %x\n  %2 = sum %1 axes [0]\n  %3 = sum %1 axes [1]\n  return %2, %3",
    );
    let with = "%3".to_string();
    let in_blocks = Choice::InBlocks { with, blocks: 64 };
    let found = choices(&f).into_iter();
    let found: Vec<Choice> = found
        .filter(|c| matches!(c, Choice::InBlocks { .. }))
        .collect();
    assert_eq!(found, [in_blocks]);
    // Where a block would run on one of many processors, they are kernels of their own.
    let (_, parts) = decided(&with_sum(4096, 64), Target::Gpu);
    assert!(!decisions(&parts).contains("blocks"));
}

#[test]
fn sums_of_what_is_cheap_are_kernels_of_their_own() {
    let f = function(
        "%x: f32[4096, 64], %y: f32[4096, 64], %z: f32[4096, 64]",
        "f32[4096, 64], f32[64], f32[64]",
        "  %3 = tanh %x
  %4 = mul %x, %y
  %5 = sum %4 axes [0]
  %6 = mul %x, %z
  %7 = sum %6 axes [0]
  return %3, %5, %7",
    );
    let blocks = |c: &Choice| matches!(c, Choice::InBlocks { .. });
    assert!(!choices(&f).iter().any(blocks));
}

#[test]
fn a_map_joins_rows_that_compute_the_same_dear_value() {
    let f = |map: &str| {
        function(
            "%x: f32[512, 48]",
            "f32[512], f32[512, 48]",
            &format!("  %1 = exp %x\n  %2 = sum %1 axes [1]\n{map}  return %2, %3"),
        )
    };
    let fused = |f: &Function| choices(f).iter().any(|c| matches!(c, Choice::Fused { .. }));
    assert!(fused(&f("  %4 = mul %1, %1\n  %3 = add %4, %x\n")));
    // They read the same, and that is all.
    assert!(!fused(&f("  %3 = mul %x, %x\n")));
}

#[test]
fn the_columns_of_a_square_are_not_its_rows() {
    let f = function(
        "%x: f32[64, 64]",
        "f32[64], f32[64]",
        "  %1 = sum %x axes [0]\n  %2 = sum %x axes [1]\n  return %1, %2",
    );
    let found = choices(&f);
    assert!(
        !found.iter().any(|c| matches!(c, Choice::Fused { .. })),
        "{found:?}"
    );
}
