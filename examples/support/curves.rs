//! Curves, as SVG.

use std::fmt::Write as _;

/// Curves over the number of their points, from the least to the greatest of all values.
pub fn curves(title: &str, curves: &[(&str, &[f64])]) -> String {
    const COLORS: [&str; 4] = ["#357", "#c33", "#393", "#b80"];
    let all = || curves.iter().flat_map(|(_, values)| values.iter().copied());
    let (least, most) = all().fold((f64::MAX, f64::MIN), |(a, b), v| (a.min(v), b.max(v)));
    let span = (most - least).max(f64::MIN_POSITIVE);
    let mut lines = String::new();
    for (i, ((name, values), color)) in curves.iter().zip(COLORS.iter().cycle()).enumerate() {
        let last = values.len().saturating_sub(1).max(1) as f64;
        let mut points = String::new();
        for (at, value) in values.iter().enumerate() {
            let (x, y) = (
                60.0 + 520.0 * at as f64 / last,
                280.0 - 240.0 * (value - least) / span,
            );
            let _ = write!(points, "{x:.1},{y:.1} ");
        }
        let _ = writeln!(
            lines,
            r#"<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2"/><text x="480" y="{}" fill="{color}">{name}</text>"#,
            50 + 18 * i,
        );
    }
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 600 320" font-family="sans-serif" font-size="13">
<rect width="600" height="320" fill="#fff"/>
<path d="M60 40V280H580" fill="none" stroke="#999"/>
<text x="10" y="45">{most:.3}</text><text x="10" y="283">{least:.3}</text>
<text x="60" y="25">{title}</text>
{lines}</svg>
"##
    )
}
