package dev.graft.cli;

import dev.graft.checkpoint.InvalidInputException;
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
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;

/** A model that is ready to write: weights, tokenizer, engine and scheduler together. */
final class TextModel implements AutoCloseable {
  private final PlacedModel placed;
  private final Scheduler scheduler;

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
    return new TextModel(
        PlacedModel.open(
            path, options, tokens, PlacedModel.CacheSize.ONE, spec -> RoutingObserver.NONE));
  }

  private TextModel(PlacedModel placed) {
    this.placed = placed;
    this.scheduler = new Scheduler(placed.forward(), SchedulerOptions.standard());
  }

  Path path() {
    return placed.path();
  }

  Tokenizer tokenizer() {
    return placed.tokenizer();
  }

  /** Tokens of prompt and answer together. */
  int context() {
    return placed.context();
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
      writer =
          new TextWriter(new Sampler(sampling, prompt), tokenizer(), placed.ends(), stops, out);
      generation =
          scheduler.submit(
              new Request(prompt, Math.min(maxTokens, context() - prompt.length), writer));
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
    if (prompt.length >= context()) {
      throw new InvalidInputException(
          "the prompt has "
              + prompt.length
              + " tokens, but the context is "
              + context()
              + " tokens and the answer needs room; shorten it or raise --max-context");
    }
    return new Writing(prompt, maxTokens, sampling, stops, out);
  }

  @Override
  public void close() {
    placed.close();
  }
}
