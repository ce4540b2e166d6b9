package dev.graft.text;

import dev.graft.checkpoint.InvalidInputException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;

/** The bytes that each token stands for, as the tokenizer's own decoder puts them together. */
final class TokenBytes {
  private static final Pattern BYTE = Pattern.compile("<0x[0-9A-Fa-f]{2}>");

  /** Which decoder a {@code tokenizer.json} names. */
  private enum Kind {
    BYTE_LEVEL,
    SENTENCEPIECE,
    OTHER
  }

  private final Kind kind;
  private final boolean byteFallback;
  private final String[] tokens;
  private final OptionalInt longest;

  private TokenBytes(Kind kind, boolean byteFallback, String[] tokens, OptionalInt longest) {
    this.kind = kind;
    this.byteFallback = byteFallback;
    this.tokens = tokens;
    this.longest = longest;
  }

  static TokenBytes of(JsonNode json, int vocabSize) {
    Set<String> types = new HashSet<>();
    types(json.path("decoder"), "decoders", types);
    Kind kind = Kind.OTHER;
    if (types.equals(Set.of("ByteLevel"))) {
      kind = Kind.BYTE_LEVEL;
    } else if ((types.contains("Metaspace") || types.contains("Replace"))
        && Set.of("Metaspace", "Replace", "ByteFallback", "Fuse", "Strip").containsAll(types)) {
      kind = Kind.SENTENCEPIECE;
    }
    String[] tokens = new String[vocabSize];
    Arrays.fill(tokens, "");
    JsonNode vocab = json.path("model").path("vocab");
    if (vocab.isObject()) {
      for (Map.Entry<String, JsonNode> entry : vocab.properties()) {
        tokens[entry.getValue().asInt()] = entry.getKey();
      }
    } else {
      for (int id = 0; id < vocab.size(); id++) {
        tokens[id] = vocab.path(id).path(0).asString("");
      }
    }
    for (JsonNode added : json.path("added_tokens")) {
      int id = added.path("id").asInt(-1);
      if (id >= 0) {
        boolean special = added.path("special").asBoolean(false);
        tokens[id] = special ? "" : added.path("content").asString("");
      }
    }
    String unknown = json.path("model").path("unk_token").asString("");
    for (int id = 0; id < vocabSize; id++) {
      if (!unknown.isEmpty() && tokens[id].equals(unknown)) {
        tokens[id] = "";
      }
    }
    boolean byteFallback = types.contains("ByteFallback");
    return new TokenBytes(kind, byteFallback, tokens, longest(json, kind, byteFallback, tokens));
  }

  /** What a part of the tokenizer is made of; several stand in a list of the name given. */
  private static void types(JsonNode part, String list, Set<String> into) {
    if (part.path("type").asString("").equals("Sequence")) {
      part.path(list).forEach(one -> types(one, list, into));
    } else {
      into.add(part.path("type").asString(""));
    }
  }

  /**
   * Absent where one token may stand for a text of any length: an unknown word, or what a
   * normalizer takes away.
   */
  private static OptionalInt longest(
      JsonNode json, Kind kind, boolean byteFallback, String[] tokens) {
    Set<String> normalizers = new HashSet<>();
    types(json.path("normalizer"), "normalizers", normalizers);
    boolean whole = kind == Kind.BYTE_LEVEL || (kind == Kind.SENTENCEPIECE && byteFallback);
    if (!whole || !Set.of("", "Prepend", "Replace").containsAll(normalizers)) {
      return OptionalInt.empty();
    }
    int most = 1;
    for (String token : tokens) {
      most = Math.max(most, token.length());
    }
    for (JsonNode added : json.path("added_tokens")) {
      most = Math.max(most, added.path("content").asString("").length());
    }
    return OptionalInt.of(most);
  }

  /** Characters of a text, in UTF-16, that one token stands for at most, if there is a bound. */
  OptionalInt longest() {
    return longest;
  }

  Optional<byte[]> of(int id) {
    if (kind == Kind.OTHER) {
      throw new InvalidInputException(
          "tokenizer.json: its decoder is neither ByteLevel nor sentencepiece's, so the bytes of a"
              + " token are not known; use this model without structured output");
    }
    if (id < 0 || id >= tokens.length || tokens[id].isEmpty()) {
      return Optional.empty();
    }
    String token = tokens[id];
    if (kind == Kind.BYTE_LEVEL) {
      return Optional.of(byteLevel(token));
    }
    if (byteFallback && BYTE.matcher(token).matches()) {
      return Optional.of(new byte[] {(byte) Integer.parseInt(token, 3, 5, 16)});
    }
    return Optional.of(token.replace('▁', ' ').getBytes(StandardCharsets.UTF_8));
  }

  /** A token with any character outside GPT-2's alphabet of bytes stands for itself. */
  private static byte[] byteLevel(String token) {
    byte[] bytes = new byte[token.length()];
    for (int i = 0; i < bytes.length; i++) {
      int value = byteOf(token.charAt(i));
      if (value < 0) {
        return token.getBytes(StandardCharsets.UTF_8);
      }
      bytes[i] = (byte) value;
    }
    return bytes;
  }

  /** GPT-2 writes visible Latin-1 characters as they are, the other 68 bytes from U+0100 on. */
  private static int byteOf(char c) {
    if ((c >= '!' && c <= '~') || (c >= '¡' && c <= '¬') || (c >= '®' && c <= 'ÿ')) {
      return c;
    }
    int n = c - 0x100;
    if (n < 0 || n > 67) {
      return -1;
    }
    if (n <= 32) {
      return n;
    }
    return n <= 66 ? 127 + n - 33 : 0xAD;
  }
}
