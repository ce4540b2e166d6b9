package dev.graft.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.checkpoint.Models;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

class TokenBytesTest {
  private static Optional<String> valid(byte[] bytes) {
    try {
      return Optional.of(
          StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString());
    } catch (CharacterCodingException e) {
      return Optional.empty();
    }
  }

  /** Each token that is no part of a character: as the tokenizer's own decoder writes it. */
  private static void eachIsWhatTheDecoderWrites(Path model, int least) throws IOException {
    try (Tokenizer tokenizer = Tokenizer.open(model)) {
      int[] before = tokenizer.encode("x");
      String prefix = tokenizer.decode(before, false);
      int compared = 0;
      for (int id = 0; id < tokenizer.vocabSize(); id++) {
        Optional<String> text = tokenizer.tokenBytes(id).flatMap(TokenBytesTest::valid);
        if (text.isPresent()) {
          int[] ids = Arrays.copyOf(before, before.length + 1);
          ids[before.length] = id;
          assertEquals(prefix + text.get(), tokenizer.decode(ids, false), "token " + id);
          compared++;
        }
      }
      assertTrue(compared >= least, compared + " tokens were compared");
      assertTrue(tokenizer.tokenBytes(tokenizer.eosId().orElseThrow()).isEmpty());
      assertTrue(tokenizer.tokenBytes(-1).isEmpty());
      assertTrue(tokenizer.tokenBytes(tokenizer.vocabSize()).isEmpty());
    }
  }

  /** Tokens of a text, one after the other, make up its bytes, also where they cut a character. */
  private static void togetherTheyAreTheText(Path model, String beginning) throws IOException {
    SplittableRandom random = new SplittableRandom(2);
    try (Tokenizer tokenizer = Tokenizer.open(model)) {
      for (int trial = 0; trial < 200; trial++) {
        StringBuilder text = new StringBuilder();
        for (int i = random.nextInt(1, 30); i > 0; i--) {
          int[] least = {0x20, 0x20, 0xA0, 0x400, 0x4E00, 0x1F300};
          text.appendCodePoint(least[random.nextInt(least.length)] + random.nextInt(0x50));
        }
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (int id : tokenizer.encode(text.toString())) {
          bytes.writeBytes(tokenizer.tokenBytes(id).orElseThrow());
        }
        assertArrayEquals(
            (beginning + text).getBytes(StandardCharsets.UTF_8),
            bytes.toByteArray(),
            text::toString);
      }
    }
  }

  @Test
  void ofSentencepiece() throws IOException {
    eachIsWhatTheDecoderWrites(Models.shared("models/stories260k"), 350);
    togetherTheyAreTheText(Models.shared("models/stories260k"), " ");
  }

  @Test
  void ofByteLevelBpe() throws IOException {
    eachIsWhatTheDecoderWrites(Models.smollm2(), 48_000);
    togetherTheyAreTheText(Models.smollm2(), "");
  }

  @Test
  void anotherDecoderIsRefused() {
    TokenBytes words =
        TokenBytes.of(
            JsonMapper.shared()
                .readTree(
                    "{\"decoder\":{\"type\":\"WordPiece\"},\"model\":{\"vocab\":{\"a\":0,\"##b\":1}}}"),
            2);
    String message = assertThrows(InvalidInputException.class, () -> words.of(0)).getMessage();
    assertTrue(message.contains("tokenizer.json") && message.contains("decoder"), message);
  }
}
