package dev.graft.cli;

import dev.graft.cache.KeyValuePages;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.http.GraftServer;
import dev.graft.http.ServerOptions;
import dev.graft.schedule.SchedulerOptions;
import dev.graft.service.Engine;
import dev.graft.service.EngineMetrics;
import dev.graft.service.ExpertLoad;
import dev.graft.service.ServedModel;
import dev.graft.service.Service;
import dev.graft.text.ChatTemplate;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Serves a model by the OpenAI API. */
@Command(
    name = "serve",
    description = "Serve a model by the OpenAI API.",
    mixinStandardHelpOptions = true)
final class ServeCommand implements Callable<Integer> {
  @Parameters(paramLabel = "MODEL", description = "Model directory, or a GGUF file.")
  private Path model;

  @Option(
      names = "--host",
      defaultValue = "127.0.0.1",
      description = "Address to listen on (${DEFAULT-VALUE}: this machine only).")
  private String host;

  @Option(
      names = "--port",
      defaultValue = "8080",
      description = "Port to listen on (${DEFAULT-VALUE}); 0 takes a free one.")
  private int port;

  @Option(
      names = "--api-key",
      description = "Key that requests must bear; may be given several times.")
  private List<String> apiKeys = new ArrayList<>();

  @Option(names = "--model-name", description = "Name of the model in the API (its file name).")
  private Optional<String> name = Optional.empty();

  @Option(
      names = "--max-context",
      defaultValue = "8192",
      description = "Tokens of prompt and answer at most (${DEFAULT-VALUE}).")
  private int maxContext;

  @Option(
      names = "--max-sequences",
      defaultValue = "16",
      description = "Sequences of the batch at most (${DEFAULT-VALUE}).")
  private int maxSequences;

  @Option(
      names = "--max-queue",
      defaultValue = "256",
      description = "Sequences that may wait beside them (${DEFAULT-VALUE}).")
  private int maxQueue;

  @Option(
      names = "--memory",
      description = "Size of the key/value cache, such as 2GB (what the heap has room for).")
  private Optional<String> memory = Optional.empty();

  @Option(
      names = "--drain-timeout",
      defaultValue = "30",
      description = "Seconds that answers have to end after SIGTERM (${DEFAULT-VALUE}).")
  private int drainTimeout;

  @Option(
      names = "--request-timeout",
      defaultValue = "600",
      description = "Seconds that one answer may take (${DEFAULT-VALUE}).")
  private int requestTimeout;

  @Mixin private EngineOptions engine;

  @Override
  public Integer call() throws IOException {
    require("--max-sequences", maxSequences, 1);
    require("--max-queue", maxQueue, 0);
    require("--drain-timeout", drainTimeout, 0);
    require("--request-timeout", requestTimeout, 1);
    if (apiKeys.stream().anyMatch(String::isBlank)) {
      throw new InvalidInputException(
          "--api-key is empty; give a key, or leave the option out to serve without");
    }
    if (name.filter(String::isBlank).isPresent()) {
      throw new InvalidInputException("--model-name is empty; give a name, or leave it out");
    }
    if (port < 0 || port > 65_535) {
      throw new InvalidInputException("--port is " + port + "; it must be 0 to 65535");
    }
    OptionalLong bytes =
        memory.isPresent()
            ? OptionalLong.of(ByteSize.parse("--memory", memory.get()))
            : OptionalLong.empty();
    AtomicReference<ExpertLoad> load = new AtomicReference<>();
    try (PlacedModel placed =
        PlacedModel.open(
            model,
            engine,
            maxContext,
            new PlacedModel.CacheSize(maxSequences, bytes),
            spec -> load.updateAndGet(none -> new ExpertLoad(spec)))) {
      return serve(placed, load.get());
    }
  }

  private static void require(String option, int value, int least) {
    if (value < least) {
      throw new InvalidInputException(option + " is " + value + "; it must be at least " + least);
    }
  }

  private int serve(PlacedModel placed, ExpertLoad load) throws IOException {
    PrometheusRegistry registry = new PrometheusRegistry();
    EngineMetrics metrics = new EngineMetrics(registry, load);
    SchedulerOptions standard = SchedulerOptions.standard();
    CountDownLatch stop = new CountDownLatch(1);
    AtomicReference<Throwable> failure = new AtomicReference<>();
    try (SaveOnTermination termination = SaveOnTermination.of(stop::countDown);
        Engine running =
            new Engine(
                placed.forward(),
                new SchedulerOptions(
                    maxSequences, standard.prefillTokens(), standard.prefillTokensBesideDecode()),
                maxQueue,
                metrics::stepped,
                cause -> {
                  failure.compareAndSet(null, cause);
                  stop.countDown();
                })) {
      ServedModel served =
          new ServedModel(
              name.orElseGet(() -> nameOf(model)),
              placed.checkpoint().spec(),
              placed.tokenizer(),
              ChatTemplate.find(model),
              placed.ends(),
              placed.context(),
              ModelSampling.served(model),
              Instant.now());
      ServerOptions options =
          ServerOptions.of(host, port, apiKeys)
              .withRequestLimit(Duration.ofSeconds(requestTimeout));
      try (GraftServer server =
          new GraftServer(
              new Service(served, running, metrics), registry, options, ServeCommand::log)) {
        running.warmUp();
        System.out.println(line(placed, served, server.port()));
        System.out.flush();
        stop.await();
        if (failure.get() == null) {
          log("shutting down; answers have " + drainTimeout + " s to end");
        }
        if (!running.drain(Duration.ofSeconds(drainTimeout))) {
          log(running.pending() + " sequences did not end in time and are cut short");
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      if (failure.get() instanceof RuntimeException cause) {
        throw cause;
      }
      termination.saved();
    }
    return ExitCode.DONE.code();
  }

  private String line(PlacedModel placed, ServedModel served, int bound) {
    return String.format(
        Locale.ROOT,
        "serving %s at http://%s:%d (context %,d tokens, %d sequences at once, cache of %,d tokens)",
        served.name(),
        host.contains(":") ? "[" + host + "]" : host,
        bound,
        served.context(),
        maxSequences,
        (long) placed.forward().pageCount() * KeyValuePages.SIZE);
  }

  private static String nameOf(Path model) {
    return model.toAbsolutePath().normalize().getFileName().toString();
  }

  private static void log(String line) {
    System.err.println("graft: " + line);
  }
}
