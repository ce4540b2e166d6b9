package dev.graft.text;

import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.djl.huggingface.tokenizers.jni.CharSpan;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.gguf.GgufFile;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The tokenizer of a Hugging Face directory or a GGUF file; safe to use from several threads. It
 * contacts no host.
 */
public final class Tokenizer implements AutoCloseable {
  private static final Map<String, String> OPTIONS =
      Map.of("addSpecialTokens", "false", "padding", "false", "truncation", "false");

  private final HuggingFaceTokenizer tokenizer;
  private final int vocabSize;
  private final OptionalInt bosId;
  private final OptionalInt eosId;
  private final TokenBytes bytes;

  private Tokenizer(
      HuggingFaceTokenizer tokenizer,
      JsonNode json,
      int vocabSize,
      OptionalInt bosId,
      OptionalInt eosId) {
    this.tokenizer = tokenizer;
    this.bytes = TokenBytes.of(json, vocabSize);
    this.vocabSize = vocabSize;
    this.bosId = bosId;
    this.eosId = eosId;
  }

  /**
   * Reads {@code tokenizer.json}, and the special tokens from {@code tokenizer_config.json}, {@code
   * generation_config.json} or {@code config.json}; of a GGUF file, all from its metadata.
   *
   * @throws InvalidInputException if it is not there or cannot be read
   */
  public static Tokenizer open(Path directory) throws IOException {
    // DJL counts its users over the network unless told not to.
    System.setProperty("OPT_OUT_TRACKING", "true");
    System.setProperty("ai.djl.offline", "true");
    if (GgufFile.is(directory)) {
      return openGguf(directory);
    }
    Path file = directory.resolve("tokenizer.json");
    if (!Files.isRegularFile(file)) {
      throw new InvalidInputException(
          directory
              + ": there is no tokenizer.json; copy the one of the model that this came from");
    }
    HuggingFaceTokenizer tokenizer;
    try {
      tokenizer = HuggingFaceTokenizer.newInstance(file, OPTIONS);
    } catch (RuntimeException e) {
      throw unreadable(file, e);
    }
    JsonNode json = read(file);
    int size = vocabulary(json);
    OptionalInt bos = special(directory, json, "bos_token");
    OptionalInt eos = special(directory, json, "eos_token");
    return new Tokenizer(tokenizer, json, size, bos, eos);
  }

  private static Tokenizer openGguf(Path file) throws IOException {
    GgufTokenizer.Contents contents = GgufTokenizer.read(file);
    byte[] json = JsonMapper.shared().writeValueAsBytes(contents.json());
    try {
      HuggingFaceTokenizer tokenizer =
          HuggingFaceTokenizer.newInstance(new ByteArrayInputStream(json), OPTIONS);
      return new Tokenizer(
          tokenizer,
          contents.json(),
          vocabulary(contents.json()),
          contents.bosId(),
          contents.eosId());
    } catch (RuntimeException e) {
      throw unreadable(file, e);
    }
  }

  private static InvalidInputException unreadable(Path file, RuntimeException e) {
    return new InvalidInputException(file + ": the tokenizer cannot be read: " + e.getMessage(), e);
  }

  /** Token ids of a text, without special tokens around it. */
  public int[] encode(String text) {
    return ints(tokenizer.encode(text, false, false).getIds());
  }

  /** Token ids of a text with what the tokenizer's own template puts around it. */
  public int[] encodeWithSpecials(String text) {
    return ints(tokenizer.encode(text, true, false).getIds());
  }

  /**
   * Tokens and where they start.
   *
   * @param ids token ids
   * @param starts code point of the text that each begins at
   */
  record Spans(int[] ids, int[] starts) {}

  /** Token ids of a text, without special tokens around it, and where each starts. */
  Spans encodeWithSpans(String text) {
    Encoding encoding = tokenizer.encode(text, false, false);
    CharSpan[] spans = encoding.getCharTokenSpans();
    int[] starts = new int[spans.length];
    for (int i = 0; i < spans.length; i++) {
      starts[i] = spans[i] == null ? -1 : spans[i].getStart();
    }
    return new Spans(ints(encoding.getIds()), starts);
  }

  /** The text of token ids, special tokens left out. */
  public String decode(int[] ids) {
    return decode(ids, true);
  }

  /** The text of token ids. */
  public String decode(int[] ids, boolean skipSpecials) {
    long[] wide = new long[ids.length];
    for (int i = 0; i < ids.length; i++) {
      wide[i] = ids[i];
    }
    return tokenizer.decode(wide, skipSpecials);
  }

  /**
   * The bytes that a token adds to a text, also where they are part of a character; none of special
   * tokens and of ids without a token. Sentencepiece's decoder drops the space that a text begins
   * with; it is here.
   *
   * @throws InvalidInputException if the tokenizer's decoder is of another kind than byte-level BPE
   *     and sentencepiece
   */
  public Optional<byte[]> tokenBytes(int id) {
    return bytes.of(id);
  }

  /**
   * Characters, as {@link String#length} counts them, that a token stands for at most: a text has
   * at least its length divided by this many tokens. Absent where there is no such bound.
   */
  public OptionalInt longestToken() {
    return bytes.longest();
  }

  /** One more than the largest id, added tokens included. */
  public int vocabSize() {
    return vocabSize;
  }

  /** The id of the beginning-of-sequence token. */
  public OptionalInt bosId() {
    return bosId;
  }

  /** The id of the end-of-sequence token. */
  public OptionalInt eosId() {
    return eosId;
  }

  @Override
  public void close() {
    tokenizer.close();
  }

  private static int[] ints(long[] ids) {
    int[] narrow = new int[ids.length];
    for (int i = 0; i < ids.length; i++) {
      narrow[i] = (int) ids[i];
    }
    return narrow;
  }

  private static int vocabulary(JsonNode tokenizer) {
    int largest = -1;
    JsonNode vocab = tokenizer.path("model").path("vocab");
    if (vocab.isObject()) {
      for (JsonNode id : vocab) {
        largest = Math.max(largest, id.asInt());
      }
    } else {
      largest = vocab.size() - 1;
    }
    for (JsonNode added : tokenizer.path("added_tokens")) {
      largest = Math.max(largest, added.path("id").asInt(-1));
    }
    return largest + 1;
  }

  /** The id of a special token that the files of a directory name, as {@code bos_token}. */
  static OptionalInt special(Path directory, JsonNode tokenizer, String key) throws IOException {
    JsonNode named = read(directory.resolve("tokenizer_config.json")).path(key);
    String token = named.isObject() ? named.path("content").asString("") : named.asString("");
    if (!token.isEmpty()) {
      for (JsonNode added : tokenizer.path("added_tokens")) {
        if (added.path("content").asString("").equals(token)) {
          return OptionalInt.of(added.path("id").asInt());
        }
      }
      JsonNode id = tokenizer.path("model").path("vocab").path(token);
      if (id.isInt()) {
        return OptionalInt.of(id.intValue());
      }
    }
    for (String file : new String[] {"generation_config.json", "config.json"}) {
      JsonNode id = read(directory.resolve(file)).path(key + "_id");
      if (id.isArray()) {
        id = id.path(0);
      }
      if (id.isInt()) {
        return OptionalInt.of(id.intValue());
      }
    }
    return OptionalInt.empty();
  }

  private static JsonNode read(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      return JsonMapper.shared().missingNode();
    }
    try {
      return JsonMapper.shared().readTree(Files.readString(file));
    } catch (JacksonException e) {
      throw new InvalidInputException(file + ": this is not JSON; fetch the file again", e);
    }
  }
}
