//! Samples on their way into one scrape: put together by name and labels, and written as text. Nothing else knows the
//! `prometheus` crate.

use std::collections::BTreeMap;

use prometheus::TextEncoder;
use prometheus::proto::{self, LabelPair, MetricFamily, MetricType};

use super::names::{Kind, Metric};

/// The content type of the text.
pub const CONTENT_TYPE: &str = prometheus::TEXT_FORMAT;

/// Samples by metric and labels. Counts and histograms with equal labels add up; the last gauge stays.
#[derive(Debug, Clone, Default)]
pub struct Sink {
    families: BTreeMap<&'static str, Family>,
    coredns: bool,
}

#[derive(Debug, Clone)]
struct Family {
    metric: Metric,
    samples: BTreeMap<Vec<(&'static str, String)>, Value>,
}

#[derive(Debug, Clone)]
enum Value {
    Count(u64),
    /// A counter that somebody else keeps, as it is now.
    Total(f64),
    Gauge(f64),
    Histogram(Histogram),
}

/// What a histogram has seen.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Histogram {
    /// Upper bounds with the count of all values up to them.
    pub buckets: Vec<(f64, u64)>,
    pub count: u64,
    pub sum: f64,
}

impl Sink {
    pub(super) fn new(coredns: bool) -> Self {
        Self { families: BTreeMap::new(), coredns }
    }

    /// Whether CoreDNS's names are wanted too.
    #[must_use]
    pub fn coredns(&self) -> bool {
        self.coredns
    }

    pub fn count(&mut self, metric: Metric, labels: &[(&'static str, &str)], number: u64) {
        debug_assert_eq!(metric.kind, Kind::Counter, "{}", metric.name);
        if let Value::Count(sum) = self.sample(metric, labels, Value::Count(0)) {
            *sum += number;
        }
    }

    /// A counter of which somebody else keeps the sum, which need not be whole; the last one stays.
    pub fn total(&mut self, metric: Metric, labels: &[(&'static str, &str)], value: f64) {
        debug_assert_eq!(metric.kind, Kind::Counter, "{}", metric.name);
        *self.sample(metric, labels, Value::Total(value)) = Value::Total(value);
    }

    pub fn gauge(&mut self, metric: Metric, labels: &[(&'static str, &str)], value: f64) {
        debug_assert_eq!(metric.kind, Kind::Gauge, "{}", metric.name);
        *self.sample(metric, labels, Value::Gauge(value)) = Value::Gauge(value);
    }

    /// Histograms of one metric have equal bounds.
    pub fn histogram(&mut self, metric: Metric, labels: &[(&'static str, &str)], seen: &Histogram) {
        debug_assert_eq!(metric.kind, Kind::Histogram, "{}", metric.name);
        let empty =
            Histogram { buckets: seen.buckets.iter().map(|(bound, _)| (*bound, 0)).collect(), ..Histogram::default() };
        if let Value::Histogram(sum) = self.sample(metric, labels, Value::Histogram(empty)) {
            sum.buckets.iter_mut().zip(&seen.buckets).for_each(|(sum, seen)| sum.1 += seen.1);
            sum.count += seen.count;
            sum.sum += seen.sum;
        }
    }

    /// The text that Prometheus reads.
    pub(super) fn encode(self) -> String {
        let families: Vec<_> = self.families.into_values().map(Family::into_proto).collect();
        // It fails only for a family without a name or a sample, and a family is made with both.
        TextEncoder::new().encode_to_string(&families).unwrap_or_default()
    }

    fn sample(&mut self, metric: Metric, labels: &[(&'static str, &str)], first: Value) -> &mut Value {
        let family = self.families.entry(metric.name).or_insert(Family { metric, samples: BTreeMap::new() });
        let labels = labels.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        family.samples.entry(labels).or_insert(first)
    }
}

impl Family {
    fn into_proto(self) -> MetricFamily {
        let mut family = MetricFamily::default();
        family.set_name(self.metric.name.to_owned());
        family.set_help(self.metric.help.to_owned());
        family.set_field_type(match self.metric.kind {
            Kind::Counter => MetricType::COUNTER,
            Kind::Gauge => MetricType::GAUGE,
            Kind::Histogram => MetricType::HISTOGRAM,
        });
        family.set_metric(self.samples.into_iter().map(|(labels, value)| sample_proto(labels, value)).collect());
        family
    }
}

fn sample_proto(labels: Vec<(&'static str, String)>, value: Value) -> proto::Metric {
    let pair = |(name, value): (&'static str, String)| {
        let mut pair = LabelPair::default();
        pair.set_name(name.to_owned());
        pair.set_value(value);
        pair
    };
    let mut metric = proto::Metric::from_label(labels.into_iter().map(pair).collect());
    match value {
        Value::Count(number) => metric.set_counter(counter_proto(number as f64)),
        Value::Total(value) => metric.set_counter(counter_proto(value)),
        Value::Gauge(value) => {
            let mut gauge = proto::Gauge::default();
            gauge.set_value(value);
            metric.set_gauge(gauge);
        }
        Value::Histogram(seen) => metric.set_histogram(histogram_proto(&seen)),
    }
    metric
}

fn counter_proto(value: f64) -> proto::Counter {
    let mut counter = proto::Counter::default();
    counter.set_value(value);
    counter
}

fn histogram_proto(seen: &Histogram) -> proto::Histogram {
    let mut histogram = proto::Histogram::default();
    let bucket = |(bound, count): &(f64, u64)| {
        let mut bucket = proto::Bucket::default();
        bucket.set_upper_bound(*bound);
        bucket.set_cumulative_count(*count);
        bucket
    };
    histogram.set_bucket(seen.buckets.iter().map(bucket).collect());
    histogram.set_sample_count(seen.count);
    histogram.set_sample_sum(seen.sum);
    histogram
}

#[cfg(test)]
mod tests {
    use super::*;

    const HITS: Metric = Metric::counter("t_hits_total", "Hits.");
    const UP: Metric = Metric::gauge("t_up", "Up.");
    const TIME: Metric = Metric::histogram("t_seconds", "Time.");

    #[test]
    fn samples_with_equal_labels_become_one_line() {
        let mut sink = Sink::new(false);
        sink.count(HITS, &[("zone", "b\"c")], 2);
        sink.count(HITS, &[("zone", "b\"c")], 3);
        sink.count(HITS, &[("zone", "a")], 1);
        sink.gauge(UP, &[], 0.0);
        sink.gauge(UP, &[], 1.0);
        let seen = Histogram { buckets: vec![(0.5, 1), (1.0, 2)], count: 3, sum: 4.5 };
        sink.histogram(TIME, &[], &seen);
        sink.histogram(TIME, &[], &seen);
        let expected = "# HELP t_hits_total Hits.\n# TYPE t_hits_total counter\n\
            t_hits_total{zone=\"a\"} 1\nt_hits_total{zone=\"b\\\"c\"} 5\n\
            # HELP t_seconds Time.\n# TYPE t_seconds histogram\n\
            t_seconds_bucket{le=\"0.5\"} 2\nt_seconds_bucket{le=\"1\"} 4\nt_seconds_bucket{le=\"+Inf\"} 6\n\
            t_seconds_sum 9\nt_seconds_count 6\n\
            # HELP t_up Up.\n# TYPE t_up gauge\nt_up 1\n";
        assert_eq!(sink.encode(), expected);
    }
}
