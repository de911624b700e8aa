//! Plots: where things stand, and that any numbers make a picture.

use sinew_data::Plot;

/// The numbers of an attribute, each time that it stands there.
fn all(svg: &str, attribute: &str) -> Vec<f64> {
    let start = format!(" {attribute}=\"");
    svg.split(start.as_str())
        .skip(1)
        .filter_map(|rest| rest.split('"').next()?.parse().ok())
        .collect()
}

fn circles(svg: &str) -> Vec<(f64, f64)> {
    all(svg, "cx").into_iter().zip(all(svg, "cy")).collect()
}

/// A margin of 4% on each side of 550 by 304 pixels that start at (70, 60).
#[test]
fn points_stand_where_they_are() {
    let svg = Plot::new("t")
        .dots("d", [(0.0, 0.0), (1.0, 1.0), (0.5, 0.25)])
        .svg();
    let (left, width) = (70.0, 550.0);
    let (bottom, height) = (364.0, 304.0);
    let at = |x: f64, y: f64| {
        let part = |v: f64| (v + 0.04) / 1.08;
        (left + width * part(x), bottom - height * part(y))
    };
    let expected = [at(0.0, 0.0), at(1.0, 1.0), at(0.5, 0.25)];
    for (found, expected) in circles(&svg).iter().zip(expected) {
        assert!(
            (found.0 - expected.0).abs() <= 0.05 && (found.1 - expected.1).abs() <= 0.05,
            "{found:?} {expected:?}"
        );
    }
    for tick in ["0", "0.2", "0.4", "0.6", "0.8", "1.0"] {
        assert!(svg.contains(&format!(">{tick}</text>")), "{tick}: {svg}");
    }
}

#[test]
fn logarithmic_heights_are_even_for_powers() {
    let svg = Plot::new("t")
        .dots("d", [(0, 1e-4), (1, 1e-2), (2, 1.0), (3, 0.0), (4, -1.0)])
        .log_y()
        .svg();
    let found = circles(&svg);
    assert_eq!(found.len(), 3);
    assert!(((found[0].1 - found[1].1) - (found[1].1 - found[2].1)).abs() <= 0.11);
    for tick in ["0.0001", "0.001", "0.01", "0.1", "1"] {
        assert!(svg.contains(&format!(">{tick}</text>")), "{tick}: {svg}");
    }
}

#[test]
fn equal_axes_have_one_unit() {
    let svg = Plot::new("t")
        .dots("d", [(0.0, 0.0), (4.0, 1.0), (4.0, 0.0)])
        .equal_axes()
        .svg();
    let found = circles(&svg);
    let (width, height) = (found[2].0 - found[0].0, found[2].1 - found[1].1);
    assert!((width - 4.0 * height).abs() <= 0.5, "{width} {height}");
}

#[test]
fn a_line_has_gaps_where_numbers_are_missing() {
    let points = [
        (0, 1.0),
        (1, 2.0),
        (2, f64::NAN),
        (3, 1.0),
        (4, f64::INFINITY),
        (5, f64::NEG_INFINITY),
        (6, 3.0),
    ];
    let svg = Plot::new("t").line("l", points).svg();
    assert_eq!(svg.matches("<polyline").count(), 3);
}

/// No picture may have a place that is no number, whatever is drawn.
#[test]
fn any_numbers_make_a_picture() {
    let sets: [Vec<(f64, f64)>; 8] = [
        vec![],
        vec![(f64::NAN, f64::NAN)],
        vec![(3.0, 3.0)],
        vec![(0.0, 0.0)],
        vec![(9e299, -9e299), (-9e299, 9e299)],
        vec![(f64::MAX, f64::MIN), (f64::MIN, f64::MAX)],
        vec![(1e-320, 5e-324), (0.0, 0.0)],
        vec![(1e15, 1e15 + 1.0), (1e15 + 0.125, 1e15)],
    ];
    for points in sets {
        let plot = Plot::new("<a & b>\u{1}")
            .line("x < y", points.clone())
            .dots("", points.clone());
        for plot in [
            plot.clone(),
            plot.clone().log_y(),
            plot.clone().equal_axes(),
        ] {
            let svg = plot.svg();
            assert!(
                !svg.contains("NaN") && !svg.contains("inf"),
                "{points:?}: {svg}"
            );
            assert!(svg.contains("&lt;a &amp; b&gt; ") && svg.contains("x &lt; y"));
            assert!(svg.starts_with("<svg xmlns=") && svg.ends_with("</svg>\n"));
        }
    }
}

#[test]
fn it_is_read_on_dark_paper_too() {
    let svg = Plot::new("t").line("l", [(0, 1), (1, 2)]).svg();
    assert!(svg.contains("@media (prefers-color-scheme: dark)"));
}
