//! Curves and points as a picture: SVG that is read on light and on dark paper.

use crate::error::{Error, Result};
use crate::metrics::Real;
use std::fmt::Write as _;
use std::path::Path;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 60.0;
const BOTTOM: f64 = 36.0;

/// Distances of numbers below this one are numbers too.
const GREATEST: f64 = 1e300;

/// Colours that are told apart with any kind of colour vision, on white and on black (Okabe, Ito: "Color universal
/// design", 2008).
const COLORS: [&str; 6] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9",
];

/// A plot with any number of lines and sets of dots, as SVG.
///
/// ```
/// use sinew_data::Plot;
///
/// let losses = [2.3, 1.1, 0.6, 0.4];
/// let svg = Plot::new("training")
///     .line("loss", (1..).zip(losses))
///     .dots("validation", [(2, 1.2), (4, 0.7)])
///     .svg();
/// assert!(svg.starts_with("<svg") && svg.contains("<polyline") && svg.contains("<circle"));
/// ```
///
/// Points that are not finite, or past 1e300, are left out, and a line has a gap there.
#[derive(Debug, Clone)]
pub struct Plot {
    title: String,
    series: Vec<Series>,
    log_y: bool,
    equal: bool,
}

#[derive(Debug, Clone)]
struct Series {
    name: String,
    points: Vec<(f64, f64)>,
    line: bool,
}

impl Plot {
    /// With nothing on it yet.
    pub fn new(title: impl Into<String>) -> Plot {
        Plot {
            title: title.into(),
            series: Vec::new(),
            log_y: false,
            equal: false,
        }
    }

    /// Adds a line through points.
    pub fn line<X: Real, Y: Real>(
        self,
        name: impl Into<String>,
        points: impl IntoIterator<Item = (X, Y)>,
    ) -> Plot {
        self.series(name.into(), points, true)
    }

    /// Adds points.
    pub fn dots<X: Real, Y: Real>(
        self,
        name: impl Into<String>,
        points: impl IntoIterator<Item = (X, Y)>,
    ) -> Plot {
        self.series(name.into(), points, false)
    }

    fn series<X: Real, Y: Real>(
        mut self,
        name: String,
        points: impl IntoIterator<Item = (X, Y)>,
        line: bool,
    ) -> Plot {
        let points = points
            .into_iter()
            .map(|(x, y)| (x.real(), y.real()))
            .collect();
        self.series.push(Series { name, points, line });
        self
    }

    /// Logarithmic heights, as losses are looked at; points that are not above 0 are left out.
    pub fn log_y(mut self) -> Plot {
        self.log_y = true;
        self
    }

    /// A unit is as long in both directions.
    pub fn equal_axes(mut self) -> Plot {
        self.equal = true;
        self
    }

    /// Writes the picture to a file.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        std::fs::write(path, self.svg()).map_err(|source| Error::File {
            path: path.into(),
            source,
        })
    }

    /// The height at which a point is drawn, of those that are.
    fn height(&self, (x, y): (f64, f64)) -> Option<(f64, f64)> {
        let y = if self.log_y { y.log10() } else { y };
        let fits = |number: f64| number.abs() < GREATEST;
        (fits(x) && fits(y)).then_some((x, y))
    }

    /// The picture.
    pub fn svg(&self) -> String {
        let height = if self.equal { WIDTH } else { HEIGHT };
        let all = || {
            self.series
                .iter()
                .flat_map(|s| s.points.iter().filter_map(|p| self.height(*p)))
        };
        let mut x = Axis::around(all().map(|(x, _)| x), LEFT, WIDTH - RIGHT);
        let mut y = Axis::around(all().map(|(_, y)| y), height - BOTTOM, TOP);
        if self.equal {
            let unit = x.unit().min(y.unit());
            x.widen(unit);
            y.widen(unit);
        }
        // Writing to a text does not fail.
        let mut svg = head(height, &self.title);
        self.grid(&mut svg, &x, &y, height);
        for (series, color) in self.series.iter().zip(COLORS.iter().cycle()) {
            if series.line {
                for stretch in series.points.split(|p| self.height(*p).is_none()) {
                    let points = stretch.iter().filter_map(|p| self.height(*p));
                    let places: Vec<String> = points
                        .map(|(h, v)| format!("{:.1},{:.1}", x.at(h), y.at(v)))
                        .collect();
                    if !places.is_empty() {
                        let places = places.join(" ");
                        let _ = writeln!(
                            svg,
                            r#"<polyline points="{places}" fill="none" stroke="{color}" stroke-width="2" stroke-linejoin="round"/>"#
                        );
                    }
                }
            } else {
                let radius = if series.points.len() > 200 { 2 } else { 4 };
                let _ = writeln!(svg, r#"<g fill="{color}" fill-opacity="0.7">"#);
                for (h, v) in series.points.iter().filter_map(|p| self.height(*p)) {
                    let _ = writeln!(
                        svg,
                        r#"<circle cx="{:.1}" cy="{:.1}" r="{radius}"/>"#,
                        x.at(h),
                        y.at(v)
                    );
                }
                let _ = writeln!(svg, "</g>");
            }
        }
        self.names(&mut svg);
        svg.push_str("</svg>\n");
        svg
    }

    fn grid(&self, svg: &mut String, x: &Axis, y: &Axis, height: f64) {
        let (right, bottom) = (WIDTH - RIGHT, height - BOTTOM);
        for (value, text) in x.ticks() {
            let at = x.at(value);
            let _ = writeln!(
                svg,
                r#"<path class="grid" d="M{at:.1} {TOP}V{bottom}"/><text x="{at:.1}" y="{:.1}" text-anchor="middle">{text}</text>"#,
                bottom + 18.0
            );
        }
        let ticks = if self.log_y { y.decades() } else { y.ticks() };
        for (value, text) in ticks {
            let at = y.at(value);
            let _ = writeln!(
                svg,
                r#"<path class="grid" d="M{LEFT} {at:.1}H{right}"/><text x="{:.1}" y="{:.1}" text-anchor="end">{text}</text>"#,
                LEFT - 8.0,
                at + 4.0
            );
        }
    }

    /// The names of what is drawn, in a row below the title.
    fn names(&self, svg: &mut String) {
        let mut at = LEFT;
        for (series, color) in self.series.iter().zip(COLORS.iter().cycle()) {
            let name = escaped(&series.name);
            let _ = writeln!(
                svg,
                r#"<rect x="{at:.1}" y="38" width="12" height="12" rx="3" fill="{color}"/><text x="{:.1}" y="48">{name}</text>"#,
                at + 17.0
            );
            at += 40.0 + 7.0 * series.name.chars().count() as f64;
        }
    }
}

fn head(height: f64, title: &str) -> String {
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="12">
<style>
.paper {{ fill: #fff }} text {{ fill: #333 }} .grid {{ stroke: #ddd }}
@media (prefers-color-scheme: dark) {{ .paper {{ fill: #16191d }} text {{ fill: #ddd }} .grid {{ stroke: #3a3f45 }} }}
</style>
<rect class="paper" fill="#fff" width="{WIDTH}" height="{height}"/>
<text x="{LEFT}" y="25" font-size="15">{}</text>
"##,
        escaped(title)
    )
}

/// Text as XML has it.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            // XML has no other control characters, in no form.
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Numbers along an axis, and where they stand in the picture.
struct Axis {
    low: f64,
    high: f64,
    start: f64,
    end: f64,
}

impl Axis {
    /// One that has room for all values; from 0 to 1 without any.
    fn around(values: impl Iterator<Item = f64>, start: f64, end: f64) -> Axis {
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
            (low.min(v), high.max(v))
        });
        let (low, high) = match low <= high {
            false => (0.0, 1.0),
            // One value alone stands in the middle, and so do values whose distance is as good as none.
            true if high - low < 1.0 / GREATEST => {
                let half = high.abs().max(1.0) / 2.0;
                (low - half, high + half)
            }
            true => (low, high),
        };
        let margin = (high - low) * 0.04;
        Axis {
            low: low - margin,
            high: high + margin,
            start,
            end,
        }
    }

    fn at(&self, value: f64) -> f64 {
        self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)
    }

    /// Pixels of one unit.
    fn unit(&self) -> f64 {
        (self.end - self.start).abs() / (self.high - self.low)
    }

    /// Takes in more on both sides, until a unit has so many pixels.
    fn widen(&mut self, unit: f64) {
        let middle = self.low / 2.0 + self.high / 2.0;
        let half = (self.end - self.start).abs() / unit / 2.0;
        (self.low, self.high) = (middle - half, middle + half);
    }

    /// About six round numbers, with their texts.
    fn ticks(&self) -> Vec<(f64, String)> {
        let rough = (self.high - self.low) / 6.0;
        let power = 10f64.powf(rough.log10().floor());
        let times = [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .find(|times| times * power >= rough);
        let step = times.unwrap_or(10.0) * power;
        if !(step > 0.0 && step.is_finite()) {
            return Vec::new();
        }
        let first = (self.low / step).ceil();
        let count = ((self.high / step).floor() - first + 1.0).clamp(0.0, 20.0) as u32;
        let values = (0..count).map(|i| (first + f64::from(i)) * step);
        values.map(|value| (value, written(value, step))).collect()
    }

    /// Powers of ten, where heights are logarithms; with their doubles and fives where few fit.
    fn decades(&self) -> Vec<(f64, String)> {
        // Past these there are no floats.
        let power = |height: f64| height.clamp(-307.0, 308.0) as i32;
        let (low, high) = (power(self.low.floor()), power(self.high.ceil()));
        let every = ((high - low) / 8).max(1);
        let factors: &[f64] = if high - low <= 3 {
            &[1.0, 2.0, 5.0]
        } else {
            &[1.0]
        };
        let powers = (low..=high).filter(|power| power.rem_euclid(every) == 0);
        let values =
            powers.flat_map(|power| factors.iter().map(move |f| f.log10() + f64::from(power)));
        let values = values.filter(|v| (self.low..=self.high.min(308.0)).contains(v));
        values
            .map(|v| (v, written(10f64.powf(v), 10f64.powf(v.floor()))))
            .collect()
    }
}

/// A number with as many digits as steps of this size need.
fn written(value: f64, step: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let digits = -step.log10().floor();
    match digits {
        _ if value.abs() >= 1e6 || digits > 5.0 => {
            let text = format!("{value:.2e}");
            // 1.00e6 as 1e6.
            match text.split_once('e') {
                Some((digits, power)) => format!(
                    "{}e{power}",
                    digits.trim_end_matches('0').trim_end_matches('.')
                ),
                None => text,
            }
        }
        digits => format!("{value:.*}", digits.max(0.0) as usize),
    }
}
