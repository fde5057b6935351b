#include <sqlite3.h>

// sqlite3_db_config() is variadic, which Swift cannot call: no statement, whoever wrote it, changes the file but through
// its tables (https://www.sqlite.org/c3ref/c_dbconfig_defensive.html).
static inline int ibid_sqlite_defend(sqlite3 *database) {
    return sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)0);
}
