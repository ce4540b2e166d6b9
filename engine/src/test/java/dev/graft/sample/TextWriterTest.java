package dev.graft.sample;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.peers.Shared;
import dev.graft.text.Tokenizer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class TextWriterTest {
  /** Lets only certain tokens through, one after the other. */
  private record Script(int[] tokens, List<Integer> accepted) implements TokenConstraint {
    @Override
    public void mask(float[] logits) {
      float kept = logits[tokens[accepted.size()]];
      Arrays.fill(logits, Float.NEGATIVE_INFINITY);
      logits[tokens[accepted.size()]] = kept;
    }

    @Override
    public void accept(int token) {
      accepted.add(token);
    }

    @Override
    public boolean exhausted() {
      return accepted.size() == tokens.length;
    }
  }

  @Test
  void aConstraintDecidesOverTheSampler() throws IOException {
    try (Tokenizer tokenizer = Tokenizer.open(Shared.path("models/stories260k"))) {
      int[] tokens = tokenizer.encode("Once upon a time");
      for (SamplingOptions options :
          List.of(
              new SamplingOptions(0, 0, 1, 0, 1, 1),
              new SamplingOptions(1, 50, 0.9, 0.1, 1.2, 1))) {
        Script script = new Script(tokens, new ArrayList<>());
        StringBuilder out = new StringBuilder();
        TextWriter writer =
            new TextWriter(
                new Sampler(options, tokens), tokenizer, Set.of(2), List.of(), script, out::append);
        for (int i = 0; i < tokens.length; i++) {
          float[] logits = new float[tokenizer.vocabSize()];
          for (int v = 0; v < logits.length; v++) {
            logits[v] = v == tokens[i] ? -20 : v % 7;
          }
          NextToken.Choice choice = writer.choose(logits);
          assertEquals(tokens[i], choice.token());
          assertEquals(i == tokens.length - 1, choice.last());
        }
        writer.finish();
        assertEquals("Once upon a time", out.toString().strip());
        assertEquals(Arrays.stream(tokens).boxed().toList(), script.accepted());
      }
    }
  }

  @Test
  void withoutOneNothingIsRuledOut() {
    float[] logits = {1, 2, 3};
    TokenConstraint.NONE.mask(logits);
    TokenConstraint.NONE.accept(1);
    assertFalse(TokenConstraint.NONE.exhausted());
    assertTrue(Arrays.equals(new float[] {1, 2, 3}, logits));
  }

  @Test
  void topKCountsOnlyTokensThatAreLeft() {
    Sampler sampler = new Sampler(new SamplingOptions(1, 3, 1, 0, 1, 1), new int[0]);
    float[] logits = new float[1000];
    Arrays.fill(logits, Float.NEGATIVE_INFINITY);
    logits[5] = 1;
    logits[900] = 1;
    Sampler.Distribution left = sampler.penalized(logits);
    assertEquals(List.of(5, 900), Arrays.stream(left.tokens()).boxed().toList());
    assertEquals(0.5, left.probabilities()[0], 1e-12);
  }
}
