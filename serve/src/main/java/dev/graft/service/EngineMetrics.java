package dev.graft.service;

import dev.graft.schedule.SchedulerState;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.core.metrics.Gauge;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/** What Prometheus is told about the engine. */
public final class EngineMetrics {
  private static final double[] LATENCIES = {
    0.001, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 30, 60
  };

  private final Gauge waiting;
  private final Gauge running;
  private final Gauge pages;
  private final Gauge batchTokens;
  private final Counter steps;
  private final Counter prompts;
  private final Counter generated;
  private final Counter prefix;
  private final Counter preemptions;
  private final Histogram firstToken;
  private final Histogram nextToken;
  private final Histogram duration;
  private final ExpertLoad load;
  private final AtomicLong numbers = new AtomicLong();
  private final Set<RequestClock> active = ConcurrentHashMap.newKeySet();
  private long prefixTokens;
  private long preempted;

  /** Registers everything. */
  public EngineMetrics(PrometheusRegistry registry, ExpertLoad load) {
    this.load = load;
    waiting =
        gauge("graft_sequences_waiting", "Sequences that wait for pages or a place.")
            .register(registry);
    running = gauge("graft_sequences_running", "Sequences of the batch.").register(registry);
    pages =
        gauge("graft_kv_pages", "Pages of the key/value cache by what they are at.")
            .labelNames("state")
            .register(registry);
    batchTokens =
        gauge("graft_batch_tokens", "Tokens that the last step computed.").register(registry);
    steps = counter("graft_steps", "Steps of the engine.").register(registry);
    prompts = counter("graft_prompt_tokens", "Tokens of prompts taken.").register(registry);
    generated = counter("graft_generated_tokens", "Tokens generated.").register(registry);
    prefix =
        counter("graft_prefix_tokens", "Prompt tokens found in the cache, not computed again.")
            .register(registry);
    preemptions =
        counter("graft_preemptions", "Sequences that gave their pages back for a while.")
            .register(registry);
    firstToken =
        histogram("graft_time_to_first_token_seconds", "From a request to its first token.")
            .register(registry);
    nextToken =
        histogram("graft_inter_token_latency_seconds", "From a token to the next of its sequence.")
            .register(registry);
    duration =
        histogram("graft_sequence_seconds", "From a request to the end of a sequence.")
            .register(registry);
    CounterWithCallback.builder()
        .name("graft_expert_tokens")
        .help("Tokens sent to each expert of each layer.")
        .labelNames("layer", "expert")
        .callback(callback -> {
          long[][] counts = load.counts();
          for (int layer = 0; layer < counts.length; layer++) {
            for (int expert = 0; expert < counts[layer].length; expert++) {
              callback.call(
                  (double) counts[layer][expert],
                  Integer.toString(layer),
                  Integer.toString(expert));
            }
          }
        })
        .register(registry);
  }

  private static Gauge.Builder gauge(String name, String help) {
    return Gauge.builder().name(name).help(help);
  }

  private static Counter.Builder counter(String name, String help) {
    return Counter.builder().name(name).help(help);
  }

  private static Histogram.Builder histogram(String name, String help) {
    return Histogram.builder().name(name).help(help).classicOnly().classicUpperBounds(LATENCIES);
  }

  RequestClock begin(String id, int promptTokens) {
    prompts.inc(promptTokens);
    RequestClock clock = new RequestClock(this, numbers.incrementAndGet(), id, promptTokens);
    active.add(clock);
    return clock;
  }

  void firstToken(double seconds) {
    generated.inc();
    firstToken.observe(seconds);
  }

  void nextToken(double seconds) {
    generated.inc();
    nextToken.observe(seconds);
  }

  void ended(RequestClock clock, double seconds) {
    active.remove(clock);
    duration.observe(seconds);
  }

  /** Sequences that have not ended, oldest first. */
  public List<RequestClock> active() {
    return active.stream().sorted(Comparator.comparingLong(RequestClock::number)).toList();
  }

  /** Where tokens were sent. */
  public ExpertLoad load() {
    return load;
  }

  /** Tokens generated so far. */
  public long generated() {
    return (long) generated.get();
  }

  /** Notes a step; called by the thread that steps. */
  public void stepped(SchedulerState state) {
    steps.inc();
    waiting.set(state.waiting());
    running.set(state.running());
    pages.labelValues("used").set(state.pagesUsed());
    pages.labelValues("cached").set(state.pagesCached());
    pages.labelValues("free").set(state.pages() - state.pagesUsed() - state.pagesCached());
    batchTokens.set(state.stepTokens());
    prefix.inc(state.prefixTokens() - prefixTokens);
    prefixTokens = state.prefixTokens();
    preemptions.inc(state.preemptions() - preempted);
    preempted = state.preemptions();
  }
}
