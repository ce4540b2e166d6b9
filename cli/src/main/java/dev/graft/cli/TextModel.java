package dev.graft.cli;

import dev.graft.cache.KeyValuePages;
import dev.graft.checkpoint.Checkpoint;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.checkpoint.ModelSpec;
import dev.graft.decoder.DecoderOptions;
import dev.graft.decoder.Forward;
import dev.graft.decoder.RoutingObserver;
import dev.graft.sample.Sampler;
import dev.graft.sample.SamplingOptions;
import dev.graft.sample.TextWriter;
import dev.graft.schedule.Finish;
import dev.graft.schedule.Generation;
import dev.graft.schedule.Request;
import dev.graft.schedule.Scheduler;
import dev.graft.schedule.SchedulerOptions;
import dev.graft.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A model that is ready to write: weights, tokenizer, engine and scheduler together. */
final class TextModel implements AutoCloseable {
  /** Of the heap, for what is not the key/value cache. */
  private static final long SPARE = 150L << 20;

  private final Path path;
  private final Checkpoint checkpoint;
  private final Tokenizer tokenizer;
  private final Forward forward;
  private final Scheduler scheduler;
  private final Set<Integer> ends;
  private final int context;

  /**
   * What an answer was.
   *
   * @param finish why it ended
   * @param tokens drawn
   * @param promptTokens fed
   * @param firstSeconds until the first token
   * @param seconds in all
   */
  record Answer(Finish finish, int tokens, int promptTokens, double firstSeconds, double seconds) {
    /** Tokens after the first, a second. */
    double rate() {
      return tokens < 2 ? 0 : (tokens - 1) / (seconds - firstSeconds);
    }

    /** For a person to read. */
    String summary() {
      return String.format(
          Locale.ROOT,
          "[%d tokens, %.1f tokens/s; first after %.2f s]",
          tokens,
          rate(),
          firstSeconds);
    }
  }

  /**
   * Opens a model.
   *
   * @param tokens of context at most, prompt and answer together
   * @throws InvalidInputException if something is missing, or the key/value cache does not fit
   */
  static TextModel open(Path path, EngineOptions options, int tokens) throws IOException {
    Checkpoint checkpoint = Checkpoint.open(path);
    try {
      ModelSpec spec = checkpoint.spec();
      require("--max-context", tokens, 2);
      require("--threads", options.threads, 1);
      int context = Math.min(tokens, spec.maxPositionEmbeddings());
      int pages = Math.ceilDiv(context, KeyValuePages.SIZE);
      DecoderOptions decoder =
          new DecoderOptions(
              options.threads,
              pages,
              options.cache,
              KernelLine.best(options.verbose),
              RoutingObserver.NONE);
      requireRoom(spec, decoder, context);
      // Before ranks are started: what is missing is said at once.
      Tokenizer tokenizer = Tokenizer.open(path);
      try {
        Set<Integer> ends = ends(path, tokenizer);
        Forward forward = options.ranks.open(checkpoint, decoder);
        return new TextModel(path, checkpoint, tokenizer, forward, ends, context);
      } catch (IOException | RuntimeException e) {
        tokenizer.close();
        throw e;
      }
    } catch (IOException | RuntimeException e) {
      checkpoint.close();
      throw e;
    }
  }

  private TextModel(
      Path path,
      Checkpoint checkpoint,
      Tokenizer tokenizer,
      Forward forward,
      Set<Integer> ends,
      int context) {
    this.path = path;
    this.checkpoint = checkpoint;
    this.tokenizer = tokenizer;
    this.forward = forward;
    this.context = context;
    this.scheduler = new Scheduler(forward, SchedulerOptions.standard());
    this.ends = ends;
  }

  private static void require(String option, int value, int least) {
    if (value < least) {
      throw new InvalidInputException(option + " is " + value + "; it must be at least " + least);
    }
  }

  private static void requireRoom(ModelSpec spec, DecoderOptions options, int context) {
    long perToken =
        2L
            * spec.numHiddenLayers()
            * spec.numKeyValueHeads()
            * spec.headDim()
            * (options.cache() == DecoderOptions.CacheType.F32 ? 4 : 2);
    long room = Runtime.getRuntime().maxMemory() - SPARE;
    if (perToken * context > room) {
      long fits = Math.max(0, room / perToken / KeyValuePages.SIZE * KeyValuePages.SIZE);
      throw new InvalidInputException(
          String.format(
              Locale.ROOT,
              "a context of %,d tokens needs a key/value cache of %,d MB, but %,d MB are free for"
                  + " it; give --max-context %d, --kv-dtype BF16 or a larger heap"
                  + " (GRAFT_JAVA_OPTS=-Xmx…)",
              context,
              (perToken * context) >> 20,
              Math.max(0, room) >> 20,
              fits));
    }
  }

  /**
   * Tokens that end an answer: all that {@code generation_config.json} lists, and the EOS token.
   */
  private static Set<Integer> ends(Path path, Tokenizer tokenizer) throws IOException {
    Set<Integer> ends = new HashSet<>();
    tokenizer.eosId().ifPresent(ends::add);
    Path file = path.resolve("generation_config.json");
    if (Files.isDirectory(path) && Files.isRegularFile(file)) {
      JsonNode ids = JsonMapper.shared().readTree(Files.readString(file)).path("eos_token_id");
      if (ids.isInt()) {
        ends.add(ids.intValue());
      }
      for (JsonNode id : ids.isArray() ? ids : JsonMapper.shared().createArrayNode()) {
        ends.add(id.asInt());
      }
    }
    return ends;
  }

  Path path() {
    return path;
  }

  Tokenizer tokenizer() {
    return tokenizer;
  }

  /** Tokens of prompt and answer together. */
  int context() {
    return context;
  }

  /** An answer under way. */
  final class Writing {
    private final int promptTokens;
    private final TextWriter writer;
    private final Generation generation;

    private Writing(
        int[] prompt,
        int maxTokens,
        SamplingOptions sampling,
        List<String> stops,
        Consumer<String> out) {
      promptTokens = prompt.length;
      writer = new TextWriter(new Sampler(sampling, prompt), tokenizer, ends, stops, out);
      generation =
          scheduler.submit(
              new Request(prompt, Math.min(maxTokens, context - prompt.length), writer));
    }

    /** Ends it soon; from any thread. */
    void cancel() {
      generation.cancel();
    }

    /** Computes until it has ended. */
    Answer run() {
      long start = System.nanoTime();
      double first = 0;
      while (!generation.done().isDone()) {
        scheduler.step();
        if (first == 0 && writer.tokens() > 0) {
          first = (System.nanoTime() - start) / 1e9;
        }
      }
      Finish finish;
      try {
        finish = generation.done().join();
      } catch (CompletionException e) {
        throw e.getCause() instanceof RuntimeException cause ? cause : e;
      }
      writer.finish();
      return new Answer(
          finish, writer.tokens(), promptTokens, first, (System.nanoTime() - start) / 1e9);
    }
  }

  /**
   * Begins an answer.
   *
   * @param out receives its text in pieces
   * @throws InvalidInputException if the prompt does not fit
   */
  Writing write(
      int[] prompt,
      int maxTokens,
      SamplingOptions sampling,
      List<String> stops,
      Consumer<String> out) {
    if (prompt.length >= context) {
      throw new InvalidInputException(
          "the prompt has "
              + prompt.length
              + " tokens, but the context is "
              + context
              + " tokens and the answer needs room; shorten it or raise --max-context");
    }
    return new Writing(prompt, maxTokens, sampling, stops, out);
  }

  @Override
  public void close() {
    forward.close();
    tokenizer.close();
    checkpoint.close();
  }
}
