package dev.graft.cli;

import dev.graft.cache.KeyValuePages;
import dev.graft.checkpoint.Checkpoint;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.checkpoint.ModelSpec;
import dev.graft.decoder.DecoderOptions;
import dev.graft.decoder.Forward;
import dev.graft.decoder.RoutingObserver;
import dev.graft.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Function;
import tools.jackson.databind.JsonNode;

/**
 * A model on the inference engine: weights, tokenizer and engine together.
 *
 * @param ends tokens that end an answer
 * @param context tokens of one sequence at most
 */
record PlacedModel(
    Path path,
    Checkpoint checkpoint,
    Tokenizer tokenizer,
    Forward forward,
    Set<Integer> ends,
    int context)
    implements AutoCloseable {
  /** Of the heap, for what is not the key/value cache. */
  private static final long SPARE = 150L << 20;

  /**
   * How much cache there is to be.
   *
   * @param sequences that can have a whole context at once, if the heap has room
   * @param bytes of keys and values; absent: up to half of the heap beyond the first sequence
   */
  record CacheSize(int sequences, OptionalLong bytes) {
    /** Room for one sequence. */
    static final CacheSize ONE = new CacheSize(1, OptionalLong.empty());
  }

  /**
   * Opens a model.
   *
   * @param tokens of context at most, prompt and answer together
   * @param observer of the routing, given the model's shape
   * @throws InvalidInputException if something is missing, or the key/value cache does not fit
   */
  static PlacedModel open(
      Path path,
      EngineOptions options,
      int tokens,
      CacheSize cache,
      Function<ModelSpec, RoutingObserver> observer)
      throws IOException {
    Checkpoint checkpoint = Checkpoint.open(path);
    try {
      ModelSpec spec = checkpoint.spec();
      require("--max-context", tokens, 2);
      require("--threads", options.threads, 1);
      int context = Math.min(tokens, spec.maxPositionEmbeddings());
      DecoderOptions decoder =
          new DecoderOptions(
              options.threads,
              pages(spec, options.cache, context, cache),
              options.cache,
              KernelLine.best(options.verbose),
              observer.apply(spec));
      // Before ranks are started: what is missing is said at once.
      Tokenizer tokenizer = Tokenizer.open(path);
      try {
        Set<Integer> ends = ends(path, tokenizer);
        Forward forward = options.ranks.open(checkpoint, decoder);
        return new PlacedModel(path, checkpoint, tokenizer, forward, ends, context);
      } catch (IOException | RuntimeException e) {
        tokenizer.close();
        throw e;
      }
    } catch (IOException | RuntimeException e) {
      checkpoint.close();
      throw e;
    }
  }

  private static void require(String option, int value, int least) {
    if (value < least) {
      throw new InvalidInputException(option + " is " + value + "; it must be at least " + least);
    }
  }

  private static int pages(
      ModelSpec spec, DecoderOptions.CacheType type, int context, CacheSize cache) {
    long perToken =
        2L
            * spec.numHiddenLayers()
            * spec.numKeyValueHeads()
            * spec.headDim()
            * (type == DecoderOptions.CacheType.F32 ? 4 : 2);
    long room = Math.max(0, Runtime.getRuntime().maxMemory() - SPARE);
    int one = Math.ceilDiv(context, KeyValuePages.SIZE);
    long perPage = perToken * KeyValuePages.SIZE;
    if (perToken * context > room) {
      throw new InvalidInputException(
          String.format(
              Locale.ROOT,
              "a context of %,d tokens needs a key/value cache of %,d MB, but %,d MB are free for"
                  + " it; give --max-context %d, --kv-dtype BF16 or a larger heap"
                  + " (GRAFT_JAVA_OPTS=-Xmx…)",
              context,
              (perToken * context) >> 20,
              room >> 20,
              room / perPage * KeyValuePages.SIZE));
    }
    long wanted = (long) one * cache.sequences();
    if (cache.bytes().isPresent()) {
      long bytes = cache.bytes().getAsLong();
      if (bytes > room || bytes / perPage < one) {
        throw new InvalidInputException(
            String.format(
                Locale.ROOT,
                "--memory is %,d MB, but the key/value cache of one context of %,d tokens takes"
                    + " %,d MB and %,d MB are free; give something between, another --max-context,"
                    + " --kv-dtype BF16 or a larger heap (GRAFT_JAVA_OPTS=-Xmx…)",
                bytes >> 20,
                context,
                (one * perPage + (1 << 20) - 1) >> 20,
                room >> 20));
      }
      return (int) Math.min(Integer.MAX_VALUE, bytes / perPage);
    }
    return (int) Math.max(one, Math.min(wanted, room / 2 / perPage));
  }

  /**
   * Tokens that end an answer: all that {@code generation_config.json} lists, and the EOS token.
   */
  private static Set<Integer> ends(Path path, Tokenizer tokenizer) throws IOException {
    Set<Integer> ends = new HashSet<>();
    tokenizer.eosId().ifPresent(ends::add);
    JsonNode ids = ModelSampling.config(path).path("eos_token_id");
    if (ids.isInt()) {
      ends.add(ids.intValue());
    }
    if (ids.isArray()) {
      ids.forEach(id -> ends.add(id.asInt()));
    }
    return ends;
  }

  @Override
  public void close() {
    forward.close();
    tokenizer.close();
    checkpoint.close();
  }
}
