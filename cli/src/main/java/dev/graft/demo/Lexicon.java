package dev.graft.demo;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The words of the grammar. A token is a word with the space before it; token ids are the special
 * and function words, then places, nouns, verbs and adjectives in the order of {@code lexicon.txt}.
 *
 * @param places proper names
 * @param nouns who acts and who is acted upon
 * @param verbs transitive, third person
 * @param adjectives in front of every noun
 */
record Lexicon(
    List<String> places, List<String> nouns, List<String> verbs, List<String> adjectives) {
  static final int UNKNOWN = 0;
  static final int END_OF_TEXT = 1;
  static final int IN = 2;
  static final int THE = 3;
  static final int WHO = 4;
  static final int AND = 5;
  static final int END_OF_SENTENCE = 6;

  private static final List<String> FUNCTION_PIECES =
      List.of("<unk>", "</s>", "In", " the", " who", " and", ".\n");

  Lexicon {
    places = List.copyOf(places);
    nouns = List.copyOf(nouns);
    verbs = List.copyOf(verbs);
    adjectives = List.copyOf(adjectives);
  }

  /** The words that come with Graft: a vocabulary of 512. */
  static Lexicon bundled() {
    try (InputStream in = Lexicon.class.getResourceAsStream("lexicon.txt")) {
      if (in == null) {
        throw new IllegalStateException(
            "lexicon.txt is missing from the build; run ./mvnw package");
      }
      return parse(new String(in.readAllBytes(), StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException("could not read the demo's lexicon.txt", e);
    }
  }

  /** Words under headings, {@code # places} and so on. */
  private static Lexicon parse(String text) {
    Map<String, List<String>> sections = new LinkedHashMap<>();
    List<String> section = new ArrayList<>();
    for (String line : text.lines().toList()) {
      if (line.startsWith("# ")) {
        section = sections.computeIfAbsent(line.substring(2), _ -> new ArrayList<>());
      } else {
        section.addAll(List.of(line.strip().split("\\s+")));
      }
    }
    return new Lexicon(
        sections.get("places"),
        sections.get("nouns"),
        sections.get("verbs"),
        sections.get("adjectives"));
  }

  int firstPlace() {
    return FUNCTION_PIECES.size();
  }

  int firstNoun() {
    return firstPlace() + places.size();
  }

  int firstVerb() {
    return firstNoun() + nouns.size();
  }

  int firstAdjective() {
    return firstVerb() + verbs.size();
  }

  int vocabSize() {
    return firstAdjective() + adjectives.size();
  }

  boolean isPlace(int id) {
    return id >= firstPlace() && id < firstNoun();
  }

  /** Whether what follows a token is a matter of its place: nouns, verbs and adjectives. */
  boolean isContent(int id) {
    return id >= firstNoun() && id < vocabSize();
  }

  /** Every token as it stands in text, by id. */
  List<String> pieces() {
    List<String> pieces = new ArrayList<>(FUNCTION_PIECES);
    for (List<String> words : List.of(places, nouns, verbs, adjectives)) {
      for (String word : words) {
        pieces.add(" " + word);
      }
    }
    return pieces;
  }

  /** The text of tokens; the end of the text is not part of it. */
  String text(int[] ids) {
    List<String> pieces = pieces();
    StringBuilder text = new StringBuilder();
    for (int id : ids) {
      if (id != END_OF_TEXT) {
        text.append(pieces.get(id));
      }
    }
    return text.toString();
  }
}
