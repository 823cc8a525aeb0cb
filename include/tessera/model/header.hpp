// FITS header cards as a plain value.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tessera::model {

/// One 80-column card, kept as it stood in the file (long strings with CONTINUE are several cards).
struct Card {
  std::string text;  ///< exactly 80 characters

  std::string keyword() const;  ///< up to 8 characters, trailing blanks removed; "" for a blank card
};

/// The cards of one HDU, in file order, without END. Values are parsed when asked for.
class Header {
 public:
  Header() = default;
  explicit Header(std::vector<Card> cards) : cards_(std::move(cards)) {}

  std::vector<Card> const& cards() const { return cards_; }
  bool has(std::string_view keyword) const;

  /// A keyword may also be the name of a HIERARCH card, "ESO TEL ALT" (with or without HIERARCH in front), in
  /// everything that reads. Letter case is ignored. Of cards with the same keyword the first counts.
  ///
  /// Values by type; nullopt where the keyword is absent, blank (undefined) or of another type. Strings come without
  /// quotes and trailing blanks, '' read as ', CONTINUE cards joined. An integer is also a real; Fortran D exponents
  /// are read.
  std::optional<std::string> text(std::string_view keyword) const;
  std::optional<double> real(std::string_view keyword) const;
  std::optional<long long> integer(std::string_view keyword) const;
  std::optional<bool> logical(std::string_view keyword) const;
  std::string comment(std::string_view keyword) const;

  /// Replaces the value in place (its comment kept unless a new one is given) or appends. Reals are written with up to
  /// 17 significant digits, shortest that reads back the same; long strings become CONTINUE cards. Characters that FITS
  /// does not allow become '?', a comment that does not fit is cut. The keyword: 1 to 8 of A-Z, 0-9, - and _, else
  /// ContractViolation.
  void set(std::string_view keyword, std::string_view value, std::string_view comment = {});
  void set(std::string_view keyword, char const* value, std::string_view comment = {});
  void set(std::string_view keyword, double value, std::string_view comment = {});
  void set(std::string_view keyword, long long value, std::string_view comment = {});
  void set(std::string_view keyword, int value, std::string_view comment = {});
  void set(std::string_view keyword, bool value, std::string_view comment = {});
  /// A keyword with an undefined (blank) value. `set` of a NaN or infinite real does the same: FITS has no other way.
  void set_undefined(std::string_view keyword, std::string_view comment = {});
  /// Every card of this keyword (all of COMMENT, HISTORY), with its CONTINUE cards.
  void remove(std::string_view keyword);
  /// Removes every card for which `doomed(keyword)` holds, each with the CONTINUE cards that belong to it.
  template <class Predicate>
  void remove_if(Predicate doomed) {
    bool previous_removed = false;
    std::erase_if(cards_, [&](Card const& card) {
      std::string const name = card.keyword();
      if (name != "CONTINUE") previous_removed = doomed(name);
      return previous_removed;
    });
  }
  void append(Card card) { cards_.push_back(std::move(card)); }
  /// HISTORY and COMMENT cards at the end, 72 columns each; a line break starts a new card.
  void add_history(std::string_view text);
  void add_comment(std::string_view text);

 private:
  void put_value(std::string_view keyword, std::string_view value_field, std::string_view comment);
  void put_cards(std::string_view keyword, std::vector<Card> const& made);
  std::vector<Card> cards_;
};

}  // namespace tessera::model
