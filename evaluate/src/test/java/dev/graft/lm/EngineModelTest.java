package dev.graft.lm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.Checkpoint;
import dev.graft.decoder.Chunk;
import dev.graft.decoder.Decoder;
import dev.graft.decoder.DecoderOptions;
import dev.graft.decoder.Phase;
import dev.graft.peers.Shared;
import dev.graft.text.Tokenizer;
import java.io.IOException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Texts longer than the context, against the same tokens fed to the model alone. */
class EngineModelTest {
  private static final int CONTEXT = 40;
  private static final String STORY = "Once upon a time there was a little girl. ".repeat(20);

  /** ln P(ids[from …] | ids before), by one step over all of them. */
  private static double alone(Decoder decoder, int[] ids, int from) {
    int[] fed = Arrays.copyOf(ids, ids.length - 1);
    int[] pages = IntStream.range(0, Math.ceilDiv(fed.length, decoder.pageSize())).toArray();
    float[] logits = decoder.step(List.of(new Chunk(fed, 0, pages, Phase.PREFILL, fed.length)))[0];
    int vocab = decoder.spec().vocabSize();
    double sum = 0;
    for (int i = from; i < ids.length; i++) {
      int row = (i - 1) * vocab;
      double total = IntStream.range(0, vocab).mapToDouble(v -> Math.exp(logits[row + v])).sum();
      sum += logits[row + ids[i]] - Math.log(total);
    }
    return sum;
  }

  private interface Check {
    void run(EngineModel model, Tokenizer tokenizer, Decoder decoder) throws IOException;
  }

  private static void with(Check check) throws IOException {
    var path = Shared.path("models/stories260k");
    try (Checkpoint checkpoint = Checkpoint.open(path);
        Tokenizer tokenizer = Tokenizer.open(path);
        Decoder decoder = new Decoder(checkpoint, DecoderOptions.of(64));
        EngineModel model =
            new EngineModel("stories", decoder, tokenizer, Optional.empty(), Set.of(2), CONTEXT)) {
      check.run(model, tokenizer, decoder);
    }
  }

  /** The last 41 tokens count, as {@code (context + continuation)[-(max_length + 1):]}. */
  @Test
  void aPromptThatDoesNotFitLosesItsBeginningAndSaysSo() throws IOException {
    with((model, tokenizer, decoder) -> {
      Map<Integer, LanguageModel.Likelihood> found = new HashMap<>();
      List<String> continuations = List.of(" She was happy.", " The dog ran away and away.");
      model.logLikelihoods(
          continuations.stream()
              .map(c -> new LanguageModel.Continuation(STORY.strip(), c))
              .toList(),
          found::put);
      for (int i = 0; i < continuations.size(); i++) {
        int[] whole = tokenizer.encodeWithSpecials(STORY.strip() + continuations.get(i));
        int context = tokenizer.encodeWithSpecials(STORY.strip()).length;
        int dropped = whole.length - CONTEXT - 1;
        assertTrue(dropped > 0);
        assertEquals(dropped, found.get(i).dropped());
        assertEquals(whole.length - context, found.get(i).tokens());
        double expected =
            alone(decoder, Arrays.copyOfRange(whole, dropped, whole.length), context - dropped);
        assertEquals(expected, found.get(i).logLikelihood(), 1e-3);
      }
    });
  }

  /** As {@code get_rolling_token_windows} with a context of one token cuts it. */
  @Test
  void aTextLongerThanTheContextIsScoredInWindows() throws IOException {
    with((model, tokenizer, decoder) -> {
      int[] ids = tokenizer.encodeWithSpecials(STORY);
      int[] all =
          IntStream.concat(IntStream.of(tokenizer.bosId().orElseThrow()), IntStream.of(ids))
              .toArray();
      double expected = 0;
      int from = 1;
      while (from < all.length) {
        int to = Math.min(all.length, from + CONTEXT);
        int begin = Math.max(0, Math.min(from - 1, to - CONTEXT - 1));
        expected += alone(decoder, Arrays.copyOfRange(all, begin, to), from - begin);
        from = to;
      }
      Map<Integer, LanguageModel.Likelihood> found = new HashMap<>();
      model.rolling(List.of(STORY), found::put);
      assertEquals(ids.length, found.get(0).tokens());
      assertEquals(expected, found.get(0).logLikelihood(), 1e-3);
    });
  }
}
