//! Grey images in a grid, as SVG.

use ndarray::ArrayView2;
use std::fmt::Write as _;

/// Rows of square images side by side, each with a name. Pixels are from 0 (white) to 1 (black), one image a row.
pub fn grid(rows: &[(&str, ArrayView2<'_, f32>)]) -> String {
    const PIXEL: usize = 5;
    let side = |images: &ArrayView2<'_, f32>| images.ncols().isqrt();
    let size = |images: &ArrayView2<'_, f32>| PIXEL * (side(images) + 1);
    let (mut squares, mut width, mut top) = (String::new(), 0, 10);
    for (name, images) in rows {
        let _ = writeln!(squares, r#"<text x="10" y="{}">{name}</text>"#, top + 14);
        top += 22;
        for (i, image) in images.rows().into_iter().enumerate() {
            let left = 10 + i * size(images);
            for (at, value) in image.iter().enumerate() {
                let (x, y) = (at % side(images), at / side(images));
                let grey = (255.0 * (1.0 - value.clamp(0.0, 1.0))).round() as u8;
                let _ = write!(
                    squares,
                    r##"<rect x="{}" y="{}" width="{PIXEL}" height="{PIXEL}" fill="#{grey:02x}{grey:02x}{grey:02x}"/>"##,
                    left + PIXEL * x,
                    top + PIXEL * y,
                );
            }
            squares.push('\n');
        }
        width = width.max(20 + images.nrows() * size(images));
        top += size(images) + 5;
    }
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {top}" font-family="sans-serif" font-size="13" shape-rendering="crispEdges">
<rect width="{width}" height="{top}" fill="#eee"/>
{squares}</svg>
"##
    )
}
