//! Programs of n equal steps in IR text, to measure how passes grow.
//!
//! A step that uses a value twice is what makes passes exponential that follow each use by itself: after
//! 40 such steps the first value has 2^40 uses.

/// Steps by name: lines that make `{o}` of `{i}`, both f32[4, 4], with further names that end in `{n}`.
pub const STEPS: &[(&str, &str)] = &[
    ("add", "%{o} = add %{i}, %{i}"),
    ("mul", "%{o} = mul %{i}, %{i}"),
    ("div", "%{o} = div %{i}, %{i}"),
    ("maximum", "%{o} = maximum %{i}, %{i}"),
    ("add_neg", "%a{n} = neg %{i}\n  %{o} = add %a{n}, %{i}"),
    ("dot", "%{o} = dot %{i}, %{i} contract_x [1] contract_y [0]"),
    (
        "dot_transposed",
        "%{o} = dot %{i}, %{i} contract_x [0] contract_y [0]",
    ),
    (
        "transposed",
        "%a{n} = permute %{i} axes [1, 0]\n  %{o} = mul %a{n}, %{i}",
    ),
    (
        "concat",
        "%a{n} = concat %{i}, %{i} axis [0]\n  %{o} = slice %a{n} axis [0] range [2, 6, 1]",
    ),
    (
        "pad",
        "%a{n} = pad %{i} axis [0] widths [1, 0, 1]\n  %b{n} = slice %a{n} axis [0] range [0, 4, 1]\n  %{o} = add %b{n}, %{i}",
    ),
    (
        "sum",
        "%a{n} = sum %{i} axes [1]\n  %b{n} = broadcast %a{n} shape [4, 4] new [1]\n  %{o} = sub %{i}, %b{n}",
    ),
    (
        "max",
        "%a{n} = max %{i} axes [0]\n  %b{n} = broadcast %a{n} shape [4, 4] new [0]\n  %{o} = div %{i}, %b{n}",
    ),
    (
        "reshape",
        "%a{n} = reshape %{i} shape [2, 8]\n  %b{n} = reshape %a{n} shape [4, 4]\n  %{o} = mul %b{n}, %{i}",
    ),
    (
        "select",
        "%a{n} = lt %{i}, %x\n  %{o} = select %a{n}, %{i}, %x",
    ),
    (
        "select_both",
        "%a{n} = exp %{i}\n  %b{n} = le %{i}, %a{n}\n  %{o} = select %b{n}, %{i}, %a{n}",
    ),
    (
        "softmax",
        "%a{n} = softmax %{i} axis [1]\n  %{o} = add %a{n}, %{i}",
    ),
    ("gelu", "%a{n} = gelu %{i}\n  %{o} = mul %a{n}, %{i}"),
    (
        "gather",
        "%a{n} = cast %{i} dtype i32\n  %b{n} = take_along_axis %{i}, %a{n} axis [0]\n  %{o} = add %b{n}, %{i}",
    ),
];

/// The program of `count` such steps, in IR text.
pub fn steps(step: &str, count: usize) -> String {
    let mut text = String::from("fn @f(%x: f32[4, 4]) -> f32[4, 4] {\n");
    let mut from = String::from("x");
    for n in 0..count {
        let to = format!("s{n}");
        let line = step
            .replace("{i}", &from)
            .replace("{o}", &to)
            .replace("{n}", &n.to_string());
        text += &format!("  {line}\n");
        from = to;
    }
    text + &format!("  return %{from}\n}}\n")
}
